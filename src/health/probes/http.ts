import type { Clock } from '../../base/clock.ts';
import type { CheckConfig } from '../../config/schema/check.ts';
import type { ProbeTarget } from '../targets.ts';
import type { Attempt, Conversation } from './attempt.ts';
import { authorityOf } from './authority.ts';
import { expiryNote } from './certificate.ts';
import { ContentReader, finalHead, type Head, searchedBytes } from './http-answer.ts';

export type HttpCheck = Extract<CheckConfig, { type: 'http' | 'https' }>;

/** What may be read of an answer before its status is known. */
const mostHeadBytes = 8_192;
/** What may be read of its head and content before a text is found. */
const mostAnswerBytes = mostHeadBytes + 4 * searchedBytes;

/**
 * HTTP/1.1, one request. The verdict falls with the status line; where a text is looked for,
 * with the piece of content that has it.
 */
export const httpConversation = (check: HttpCheck, clock: Clock): Conversation =>
  new HttpConversation(check, clock);

class HttpConversation implements Conversation {
  readonly #check: HttpCheck;
  readonly #clock: Clock;
  /** Bytes as characters of one byte each. */
  #answer = '';
  #head: Head | undefined;
  #content: ContentReader | undefined;

  constructor(check: HttpCheck, clock: Clock) {
    this.#check = check;
    this.#clock = clock;
  }

  begin(attempt: Attempt): void {
    attempt.socket.write(requestHead(attempt.target, this.#check), 'latin1');
  }

  read(bytes: Buffer, attempt: Attempt): void {
    this.#answer += bytes.toString('latin1');
    this.#judge(attempt, false);
  }

  ended(attempt: Attempt): void {
    if (this.#answer !== '') this.#judge(attempt, true);
  }

  #judge(attempt: Attempt, over: boolean): void {
    const head = this.#head ?? finalHead(this.#answer);
    if (typeof head !== 'object') {
      const hopeless = head === 'malformed' || this.#answer.length >= mostHeadBytes;
      if (hopeless) attempt.fail('not an HTTP/1.1 answer');
      return;
    }
    this.#head = head;
    const { status, at } = head;
    if (!this.#check.status.includes(status)) attempt.finish(false, `status ${status}`);
    else if (this.#check.contains === undefined) this.#succeed(attempt, `status ${status}`);
    else this.#search(attempt, status, at, over);
  }

  #search(attempt: Attempt, status: number, at: number, over: boolean): void {
    const headEnd = this.#content ? 0 : this.#answer.indexOf('\r\n\r\n', at);
    if (headEnd < 0) {
      const tooLong = this.#answer.length >= mostHeadBytes;
      if (over || tooLong) attempt.fail(`status ${status}, with a head that does not end`);
      return;
    }
    this.#content ??= new ContentReader(this.#answer, at, headEnd);
    const framed = this.#content.read(this.#answer);
    const { content, complete } = this.#content;
    const text = Buffer.from(this.#check.contains ?? '').toString('latin1');
    if (!framed) attempt.fail('content with broken framing');
    else if (content.includes(text)) this.#succeed(attempt, `status ${status}, with the text`);
    else if (over || complete || this.#answer.length >= mostAnswerBytes) {
      attempt.finish(false, `status ${status}, without the text`);
    }
  }

  #succeed(attempt: Attempt, detail: string): void {
    attempt.finish(true, detail + expiryNote(attempt.socket, this.#clock.wallMs()));
  }
}

function requestHead({ host, port }: ProbeTarget, check: HttpCheck): string {
  const fields = new Map([
    ['user-agent', 'User-Agent: meridian-probe\r\n'],
    ['accept', 'Accept: */*\r\n'],
  ]);
  // A text is looked for as it is written, not as it is compressed.
  if (check.contains !== undefined) fields.set('accept-encoding', 'Accept-Encoding: identity\r\n');
  for (const [name, value] of Object.entries(check.headers)) {
    fields.set(name.toLowerCase(), `${name}: ${value}\r\n`);
  }
  const named = check.host ?? authorityOf(host, port, check.type);
  return (
    `${check.method} ${check.path} HTTP/1.1\r\nHost: ${named}\r\n` +
    `${[...fields.values()].join('')}Connection: close\r\n\r\n`
  );
}
