import { createHash, randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../base/clock.ts';
import { MeridianError } from '../../base/errors.ts';
import type { Condition } from '../bucket.ts';
import { isUnknown, isUnmet, type OnceBucket, strong } from './create-once.ts';
import { encodeRecord, nextStep, type OnceRecord, type Step } from './once-record.ts';

export { createOnce, type OnceBucket } from './create-once.ts';

/**
 *   fingerprint_mismatch   another request was made under the key
 *   in_progress            somebody has the key and was not done in `waitMs`; ask again later
 *   record_invalid         the key has a value that is none of `once`
 */
export type OnceErrorCode = 'fingerprint_mismatch' | 'in_progress' | 'record_invalid';

export class OnceError extends MeridianError<OnceErrorCode> {}

export interface OnceOptions {
  /** What makes requests the same, such as their method, path and body. A digest of it is kept. */
  readonly fingerprint: string;
  /**
   * After which a claim that is not done is taken over: longer than the operation takes, since
   * a slow owner then runs beside its successor. Default: 10 s.
   */
  readonly takeoverMs?: number;
  /** How long a caller waits for another one. Default: `takeoverMs` and 2 s. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

export interface OnceResult<Result> {
  readonly result: Result;
  /** Whether it is that of an earlier call. */
  readonly replayed: boolean;
}

/** An attempt before this one may have done a part of it, or all. */
export type ClaimedOperation<Result> = () => Promise<Result>;

/** Unlike that of the system, it keeps the process alive for who waits. */
const waitingClock: Clock = {
  ...systemClock,
  after(delayMs, run) {
    const timeout = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};

/**
 * Does an operation once for all requests with one idempotency key, whichever region they come
 * to. `bucket` is a `sync` one.
 *
 * What is guaranteed, whatever crashes and however late writes arrive, while the record is kept
 * (the `ttl` of the bucket):
 *
 * - One fingerprint for a key: another one is refused, and its operation never begins.
 * - One result for a key: every call that ends well has that one, as JSON gives it back.
 * - **Not** that the operation begins once. Who dies on the way is followed by another one after
 *   `takeoverMs`, and who is slower than that may run beside it. So what it does must be keyed
 *   writes, by `createOnce` in a `sync` bucket, and its result must be made of what those
 *   return. Such an effect is applied once.
 *
 * ```ts
 * const { result } = await once(keys, key, async () => {
 *   const draft = Buffer.from(JSON.stringify({ amount, rate: await rateOfNow() }));
 *   const entry = await createOnce(ledger, `conversion.${key}`, draft);
 *   return JSON.parse(Buffer.from(entry.value).toString());
 * }, { fingerprint: body });
 * ```
 *
 * An operation that throws leaves no result: the claim is released, and the next call begins anew.
 *
 * @throws OnceError; what the operation throws; and what the bucket does, after which the same
 *   call may be made again; but `consistency_not_offered` of an `async` one, where the operation
 *   never begins
 */
export async function once<Result>(
  bucket: OnceBucket,
  key: string,
  operation: ClaimedOperation<Result>,
  options: OnceOptions,
): Promise<OnceResult<Result>> {
  const { result, replayed } = await new Call(bucket, key, operation, options).run();
  return { result: JSON.parse(result) as Result, replayed };
}

interface Told {
  /** JSON. */
  readonly result: string;
  readonly replayed: boolean;
}

const firstPauseMs = 20;
const longestPauseMs = 500;

/** One call of `once`. */
class Call {
  readonly #bucket: OnceBucket;
  readonly #key: string;
  readonly #operation: ClaimedOperation<unknown>;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #takeoverMs: number;
  readonly #deadlineMs: number;
  readonly #owner = randomUUID();
  readonly #fingerprint: string;
  /** The claim of another one that is waited for. */
  #seen: { readonly version: string; readonly sinceMs: number } | undefined;
  #pauseMs = firstPauseMs;

  constructor(
    bucket: OnceBucket,
    key: string,
    operation: ClaimedOperation<unknown>,
    options: OnceOptions,
  ) {
    const { fingerprint, takeoverMs = 10_000, clock = waitingClock, signal } = options;
    const { waitMs = takeoverMs + 2_000 } = options;
    this.#bucket = bucket;
    this.#key = key;
    this.#operation = operation;
    this.#clock = clock;
    this.#signal = signal;
    this.#takeoverMs = takeoverMs;
    this.#deadlineMs = clock.monotonicMs() + waitMs;
    this.#fingerprint = createHash('sha256').update(fingerprint).digest('hex');
  }

  async run(): Promise<Told> {
    let step: Step = { do: 'claim' }; // most keys are new: what is there is read if this fails
    for (;;) {
      this.#signal?.throwIfAborted();
      if (step.do === 'refuse') throw refusal(step.code);
      if (step.do === 'replay') return { result: step.result, replayed: !step.own };
      if (step.do === 'wait') await this.#pause();
      else {
        const version = step.do === 'run' ? step.version : await this.#claim(step);
        const result = version === undefined ? undefined : await this.#work(version);
        if (result !== undefined) return { result, replayed: false };
      }
      step = await this.#look();
    }
  }

  async #look(): Promise<Step> {
    const { entry } = await this.#bucket.get(this.#key, strong);
    const nowMs = this.#clock.monotonicMs();
    if (entry && this.#seen?.version !== entry.version) {
      this.#seen = { version: entry.version, sinceMs: nowMs };
    }
    return nextStep(entry, {
      fingerprint: this.#fingerprint,
      owner: this.#owner,
      takeoverMs: this.#takeoverMs,
      wallMs: this.#clock.wallMs(),
      unchangedForMs: nowMs - (this.#seen?.sinceMs ?? nowMs),
    });
  }

  /** The version of the own claim; `undefined`: another one was faster, or it is not known. */
  #claim(step: Extract<Step, { do: 'claim' | 'takeOver' }>): Promise<string | undefined> {
    const condition: Condition =
      step.do === 'claim' ? { type: 'absent' } : { type: 'version', versions: [step.version] };
    return this.#write({ state: 'claimed', ...this.#own(), atMs: this.#clock.wallMs() }, condition);
  }

  /** The result, when it is stored; `undefined`: what stands there is to be looked at. */
  async #work(version: string): Promise<string | undefined> {
    try {
      const result = JSON.stringify((await this.#operation()) ?? null);
      return await this.#finish(version, { state: 'done', ...this.#own(), result });
    } catch (error) {
      await this.#release(version);
      throw error;
    }
  }

  async #finish(
    version: string,
    record: Extract<OnceRecord, { state: 'done' }>,
  ): Promise<string | undefined> {
    const condition: Condition = { type: 'version', versions: [version] };
    for (;;) {
      if ((await this.#write(record, condition)) !== undefined) return record.result;
      const step = await this.#look();
      // A write of which nothing was heard may have been done, or not; or the claim is lost.
      if (step.do !== 'run' || step.version !== version) return undefined;
    }
  }

  async #write(record: OnceRecord, condition: Condition): Promise<string | undefined> {
    try {
      return await this.#bucket.put(this.#key, encodeRecord(record), condition, strong);
    } catch (error) {
      if (isUnmet(error)) return undefined;
      if (!isUnknown(error)) throw error;
      await this.#pause(error);
      return undefined;
    }
  }

  /** So that the next call need not wait; without it, it waits until it may take over. */
  async #release(version: string): Promise<void> {
    const condition: Condition = { type: 'version', versions: [version] };
    await this.#bucket.delete(this.#key, condition).catch(() => undefined);
  }

  #own() {
    return { fingerprint: this.#fingerprint, owner: this.#owner };
  }

  /** @throws what there is to tell when the time of waiting is over */
  async #pause(error: unknown = refusal('in_progress')): Promise<void> {
    const leftMs = this.#deadlineMs - this.#clock.monotonicMs();
    if (leftMs <= 0) throw error;
    const forMs = Math.min(leftMs, this.#pauseMs);
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2);
    await new Promise<void>((resolve) => this.#clock.after(forMs, resolve));
  }
}

const words: Readonly<Record<OnceErrorCode, string>> = {
  fingerprint_mismatch: 'another request was made under that idempotency key',
  in_progress: 'a request with that idempotency key is being worked on',
  record_invalid: 'the idempotency key has a value that is none of an operation',
};

function refusal(code: OnceErrorCode): OnceError {
  return new OnceError(code, words[code]);
}
