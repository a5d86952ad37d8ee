import type { MetricCheckConfig } from '../../config/schema/named-check.ts';
import type { Attempt, Conversation } from './attempt.ts';
import { authorityOf, metricServer } from './authority.ts';
import { ContentReader, finalHead } from './http-answer.ts';
import { singleValue } from './prometheus.ts';

export type MetricCheck = Pick<
  MetricCheckConfig,
  'url' | 'query' | 'counter' | 'above' | 'below' | 'headers' | 'timeout'
>;

/** One value with its labels; what is longer is no answer to a query for one. */
const mostContentBytes = 65_536;
const mostAnswerBytes = 2 * mostContentBytes;

/**
 * An instant query to Prometheus. Only a value that is there and on the wrong side has
 * failed: a server of metrics that is away says nothing about what it measures.
 */
export const metricConversation = (check: MetricCheck): Conversation =>
  new MetricConversation(check);

class MetricConversation implements Conversation {
  /** What goes wrong on the way to a value is no word on it. */
  readonly failure = undefined;
  readonly #check: MetricCheck;
  #answer = '';
  #content: ContentReader | undefined;

  constructor(check: MetricCheck) {
    this.#check = check;
  }

  begin(attempt: Attempt): void {
    attempt.socket.write(requestHead(this.#check), 'latin1');
  }

  read(bytes: Buffer, attempt: Attempt): void {
    this.#answer += bytes.toString('latin1');
    this.#judge(attempt, false);
  }

  ended(attempt: Attempt): void {
    if (this.#answer !== '') this.#judge(attempt, true);
  }

  #judge(attempt: Attempt, over: boolean): void {
    const head = finalHead(this.#answer);
    if (head === 'malformed') return void attempt.fail('not an HTTP/1.1 answer');
    if (!head) return;
    if (head.status !== 200) return void attempt.fail(`status ${head.status}`);
    const headEnd = this.#content ? 0 : this.#answer.indexOf('\r\n\r\n', head.at);
    const tooLong = this.#answer.length > mostAnswerBytes;
    if (headEnd < 0) return void (tooLong && attempt.fail('a head that does not end'));
    this.#content ??= new ContentReader(this.#answer, head.at, headEnd, mostContentBytes);
    const framed = this.#content.read(this.#answer);
    const { content, complete } = this.#content;
    if (!framed) attempt.fail('content with broken framing');
    else if (over || complete || tooLong) this.#settle(attempt, content);
  }

  #settle(attempt: Attempt, content: string): void {
    const value = singleValue(Buffer.from(content, 'latin1').toString());
    if (typeof value === 'string') {
      attempt.fail(value);
      return;
    }
    attempt.finish(...judged(value, this.#check));
  }
}

/** Whether a value is on the right side of its limits, and what there is to tell of it. */
export function judged(
  value: number,
  { above, below }: Pick<MetricCheck, 'above' | 'below'>,
): [ok: boolean, detail: string] {
  const isLow = above !== undefined && !(value > above);
  const isHigh = below !== undefined && !(value < below);
  const limit = isLow ? `, not above ${above}` : isHigh ? `, not below ${below}` : '';
  return [!isLow && !isHigh, `the value is ${value}${limit}`];
}

function requestHead({ url, query = '', headers }: MetricCheck): string {
  const { scheme, host, port, path } = metricServer(url);
  const fields = new Map([['user-agent', 'User-Agent: meridian-probe\r\n']]);
  for (const [name, value] of Object.entries(headers)) {
    fields.set(name.toLowerCase(), `${name}: ${value}\r\n`);
  }
  return (
    `GET ${path}?query=${encodeURIComponent(query)} HTTP/1.1\r\n` +
    `Host: ${authorityOf(host, port, scheme)}\r\n${[...fields.values()].join('')}` +
    'Accept: application/json\r\nConnection: close\r\n\r\n'
  );
}
