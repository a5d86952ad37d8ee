import type { MessageBody } from '../wire/message-writer.ts';
import type { NameKey } from '../wire/name.ts';
import type { AnswerStep, Resolution } from '../zone/resolve.ts';
import type { ResponseKind } from './rate-limit/rate-limiter.ts';

/** What a question comes to for every client and at any time: what follows the question in the response. */
export interface PlainAnswer {
  readonly type: number;
  readonly body: MessageBody;
  readonly kind: ResponseKind;
  readonly nameHash: number;
  /** `undefined`: it is the same with and without, for the zone is not signed. */
  readonly hasSignatures: boolean | undefined;
  /** Of the same name. */
  readonly next: PlainAnswer | undefined;
}

/** Whether it is the same for every client and at any time. */
export function isPlain({ outcome, steps }: Resolution): boolean {
  if (outcome !== 'answer' && outcome !== 'noData') return false;
  return !steps.some((step) => mayChange(step) || step.hintSteps?.some(mayChange));
}

function mayChange({ choice, outside }: AnswerStep): boolean {
  return choice !== undefined || outside !== undefined;
}

/** Whether there are signatures for who asks for them. */
export function isSigned({ zone, steps }: Resolution): boolean {
  return zone?.signer !== undefined || steps.some((step) => step.zone.signer !== undefined);
}

/** Room for the common ones, signed ones too; all together take some 60 MB at most. */
const mostAnswers = 131_072;
const mostBytes = 512;
const mostBytesTogether = 24 * 1_024 * 1_024;

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
  #bytes = 0;
  #period = -1;

  /** @param period of the signatures (`signaturePeriod`): those of another one are forgotten, with all else */
  find(name: NameKey, type: number, signed: boolean, period: number): PlainAnswer | undefined {
    if (signed && period !== this.#period) this.#forget(period);
    let answer = this.#byName.get(name);
    while (answer && (answer.type !== type || answer.hasSignatures === !signed)) {
      answer = answer.next;
    }
    return answer;
  }

  keep(name: NameKey, answer: Omit<PlainAnswer, 'next'>): void {
    const { length } = answer.body.bytes;
    if (this.#count === mostAnswers || length > mostBytes) return;
    if (this.#bytes + length > mostBytesTogether) return;
    this.#count++;
    this.#bytes += length;
    this.#byName.set(name, { ...answer, next: this.#byName.get(name) });
  }

  #forget(period: number): void {
    this.#period = period;
    this.#byName.clear();
    this.#count = 0;
    this.#bytes = 0;
  }
}
