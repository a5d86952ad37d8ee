import type { Clock } from '../../base/clock.ts';
import { MeridianError, messageOf } from '../../base/errors.ts';
import type { Hub } from './hub.ts';
import { mayPass, type Outcome, type RefusalCode, type Step } from './next-step.ts';

export type ChangeErrorCode = RefusalCode | 'store_unreachable' | 'hub_stalled' | 'interrupted';

/** What goes on, for whoever asked. */
export type ChangeEvent =
  | { readonly event: 'step'; readonly step: Step }
  | { readonly event: 'waiting'; readonly why: string };

export interface ChangeOptions {
  look(): Promise<Hub>;
  /** `nextStep` or `nextMove`. */
  next(hub: Hub): Outcome;
  /** Does a step or, for `start`, has it done. It may be called again for the same one. */
  do(step: Step): Promise<void>;
  onEvent(event: ChangeEvent): void;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  sleep(ms: number): Promise<void>;
  /** Without any progress. */
  readonly patienceMs: number;
  readonly stop: AbortSignal;
}

const lookEveryMs = 1_000;
/** Elections and new copies make the hub look worse than it is for a moment. */
const refusalHoldsMs = 12_000;
const againAfterMs = 10_000;
/** A server is asked for 1.5 s at a time: three looks, of which one is enough. */
const doubtMs = 5_000;

/**
 * Looks at a hub that nothing was done to yet: again for 5 s, while what is next would be refused
 * for a reason that may pass.
 *
 * @throws what `look` does, all that time
 */
export async function lookForSure(
  options: Pick<ChangeOptions, 'look' | 'next' | 'clock' | 'sleep'>,
): Promise<Hub> {
  const { look, next, clock, sleep } = options;
  const untilMs = clock.monotonicMs() + doubtMs;
  for (;;) {
    const isLast = () => clock.monotonicMs() >= untilMs;
    try {
      const hub = await look();
      if (isLast() || !mayPass(hub, next(hub))) return hub;
    } catch (error) {
      if (isLast()) throw error;
    }
    await sleep(lookEveryMs);
  }
}

/**
 * Takes the hub to a goal, one step after the other, and resolves when it is there. What was
 * done stays done if it ends before: called again, it goes on from there.
 *
 * @throws {MeridianError<ChangeErrorCode>}
 */
export async function changeHub(options: ChangeOptions): Promise<void> {
  const { clock, patienceMs, stop } = options;
  const run = new Run(options);
  for (;;) {
    if (stop.aborted) fail('interrupted', 'stopped; the same command goes on from here');
    const outcome = await outcomeOf(options, run.began ? options.look : () => lookForSure(options));
    if (outcome.next === 'done') return;
    const quietMs = run.observe(outcome, clock.monotonicMs());
    if (outcome.next === 'refused') {
      if (!run.began || quietMs > refusalHoldsMs) fail(outcome.code, outcome.why);
    } else if (quietMs > patienceMs) {
      fail('hub_stalled', `no progress for ${Math.round(patienceMs / 1_000)} s: ${run.what}`);
    }
    if (outcome.next === 'step') await run.do(outcome.step, clock.monotonicMs());
    await options.sleep(lookEveryMs);
  }
}

async function outcomeOf({ next }: ChangeOptions, look: ChangeOptions['look']): Promise<Outcome> {
  try {
    return next(await look());
  } catch (error) {
    // As when its voters answer and have no majority: that may pass, too.
    return { next: 'refused', code: 'no_quorum', why: messageOf(error) };
  }
}

/** What has been done so far, and since when nothing else came of it. */
class Run {
  readonly #options: ChangeOptions;
  #outcome = '';
  #sinceMs = 0;
  #done: { readonly step: string; readonly atMs: number } | undefined;
  #failure: string | undefined;
  what = '';

  constructor(options: ChangeOptions) {
    this.#options = options;
  }

  get began(): boolean {
    return this.#done !== undefined;
  }

  /** How long the same has been seen, in milliseconds. */
  observe(outcome: Exclude<Outcome, { next: 'done' }>, nowMs: number): number {
    const seen = JSON.stringify(outcome);
    if (seen === this.#outcome) return nowMs - this.#sinceMs;
    this.#outcome = seen;
    this.#sinceMs = nowMs;
    if (outcome.next === 'step') this.what = this.#failure ?? JSON.stringify(outcome.step);
    else this.what = outcome.why;
    if (outcome.next === 'wait') this.#options.onEvent({ event: 'waiting', why: outcome.why });
    return 0;
  }

  async do(step: Step, nowMs: number): Promise<void> {
    const text = JSON.stringify(step);
    const again = this.#done?.step === text;
    if (again && nowMs - this.#done!.atMs < againAfterMs) return;
    if (!again) this.#options.onEvent({ event: 'step', step });
    this.#done = { step: text, atMs: nowMs };
    try {
      await this.#options.do(step);
      this.#failure = undefined;
    } catch (error) {
      this.#failure = messageOf(error);
      this.what = this.#failure;
      this.#done = { step: text, atMs: nowMs - againAfterMs + 2 * lookEveryMs };
    }
  }
}

function fail(code: ChangeErrorCode, message: string): never {
  throw new MeridianError<ChangeErrorCode>(code, message);
}
