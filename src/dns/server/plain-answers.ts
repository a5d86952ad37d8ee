import type { MessageBody } from '../wire/message-writer.ts';
import type { NameKey } from '../wire/name.ts';
import type { ResponseKind } from './rate-limit/rate-limiter.ts';

/** What a question comes to for every client and at any time: what follows the question in the response. */
export interface PlainAnswer {
  readonly type: number;
  readonly body: MessageBody;
  readonly kind: ResponseKind;
  readonly nameHash: number;
  /** With signatures it is another one. */
  readonly isSigned: boolean;
  /** Of the same name. */
  readonly next: PlainAnswer | undefined;
}

/** Room for the common ones; 65,536 of them are some 20 MB at most. */
const mostAnswers = 65_536;
const mostBytes = 256;

/**
 * Answers of one revision that depend on the question alone, assembled when they are first asked for;
 * a query then costs a look-up and a copy:
 *
 *   name ─▶ A ─▶ MX ─▶ …   each: counts, and the sections with pointers into the question
 *
 * When it is full, further ones are assembled each time. Only names that stand in a zone have a place:
 * those below a wildcard are endless.
 */
export class PlainAnswers {
  readonly #byName = new Map<NameKey, PlainAnswer>();
  #count = 0;

  find(name: NameKey, type: number): PlainAnswer | undefined {
    let answer = this.#byName.get(name);
    while (answer && answer.type !== type) answer = answer.next;
    return answer;
  }

  keep(name: NameKey, answer: Omit<PlainAnswer, 'next'>): void {
    if (this.#count === mostAnswers || answer.body.bytes.length > mostBytes) return;
    this.#count++;
    this.#byName.set(name, { ...answer, next: this.#byName.get(name) });
  }
}
