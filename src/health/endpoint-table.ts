/** State of the breaker of an endpoint. */
export const closed = 0;
export const open = 1;
export const halfOpen = 2;
export type BreakerCode = typeof closed | typeof open | typeof halfOpen;

export const breakerNames = ['closed', 'open', 'halfOpen'] as const;
export type BreakerName = (typeof breakerNames)[number];

/** When the breaker of an endpoint opens and closes. Durations in milliseconds. */
export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** Share of the requests of a window that opens it; `undefined`: none does. */
  readonly failureShare?: number | undefined;
  /** With fewer requests in a window the share says nothing. */
  readonly minimumRequests: number;
  /** Largest share of the siblings that may be open at once; one always may. */
  readonly maximumShare: number;
  /** Requests at a time that a half-open one admits, and successes that close it. */
  readonly trials: number;
}

/** How a request to an endpoint ended; `neutral` says nothing about the endpoint. */
export type Outcome = 'success' | 'failure' | 'neutral';

/** What `begin` gave: a place, a place for a trial, or none. */
export type Admission = 'admitted' | 'trial' | 'refused';

const STATE = 0;
const FAILURES_IN_ROW = 1;
const REQUESTS = 2;
const FAILURES = 3;
const TRIALS = 4;
const PASSED = 5;
const OPENINGS = 6;
const words = 8;

const EWMA_MS = 0;
const EWMA_AT = 1;
const ADMITTED_AT = 2;
const CHANGED_AT = 3;
const numbers = 4;

/**
 * One record per endpoint, in memory that all threads of a node share: what routes and
 * threads learn of an endpoint, they learn together. It never leaves the node.
 *
 *   ┌ numbers (f64) ────────────────┬ words (i32) ───────────────┬ in flight (i32) ────────┐
 *   │ per endpoint: average latency │ per endpoint: breaker      │ per thread, its column: │
 *   │ and its time, admitted at,    │ state, failures, window,   │ requests under way at   │
 *   │ state changed at              │ trials, openings in a row  │ each endpoint           │
 *   └───────────────────────────────┴────────────────────────────┴─────────────────────────┘
 *
 * Words are accessed by `Atomics`. Numbers are written by whoever finishes a request; two at
 * once may lose one sample of an average, which is one.
 *
 *              failures in a row, or share of a window
 *   closed ───────────────────────────────────────────▶ open ◀────────┐
 *     ▲  (no more than `maximumShare` of the siblings)    │ after a    │ a trial fails
 *     │                                                   ▼ while      │
 *     └──────────────── `trials` trials succeed ────── half-open ──────┘
 *
 * Times are of one monotonic clock that all threads of a process share.
 */
export class EndpointTable {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #inFlight: Int32Array;
  readonly #endpoints: number;
  readonly #threads: number;
  readonly #changed: () => void;

  static bytes(endpoints: number, threads: number): number {
    return endpoints * (numbers * 8 + words * 4) + endpoints * threads * 4;
  }

  /** `changed`: the state of a breaker is another one. `offset` is a multiple of 8. */
  constructor(
    buffer: SharedArrayBuffer,
    offset: number,
    endpoints: number,
    threads: number,
    changed: () => void,
  ) {
    const wordsAt = offset + endpoints * numbers * 8;
    this.#numbers = new Float64Array(buffer, offset, endpoints * numbers);
    this.#words = new Int32Array(buffer, wordsAt, endpoints * words);
    this.#inFlight = new Int32Array(buffer, wordsAt + endpoints * words * 4, endpoints * threads);
    this.#endpoints = endpoints;
    this.#threads = threads;
    this.#changed = changed;
  }

  state(endpoint: number): BreakerCode {
    return this.#load(endpoint, STATE) as BreakerCode;
  }

  /** Takes no request now: open, or half-open with all its trials under way. */
  ejected(endpoint: number, trials = 1): boolean {
    const state = this.state(endpoint);
    if (state === closed) return false;
    return state === open || this.#load(endpoint, TRIALS) >= trials;
  }

  // ── A request ────────────────────────────────────────────────────────────────────────

  /**
   * A request is to be sent there by the gateway thread of that column. Unless it is refused,
   * one `settle` and one `release` follow. `anyState`: as a last resort, whatever the state.
   */
  begin(endpoint: number, thread: number, trials: number, anyState: boolean): Admission {
    const state = this.state(endpoint);
    let admission: Admission = 'admitted';
    if (state !== closed && !anyState) {
      if (state === open || !this.#takeTrial(endpoint, trials)) return 'refused';
      admission = 'trial';
    }
    Atomics.add(this.#inFlight, this.#column(thread) + endpoint, 1);
    return admission;
  }

  /** It is no longer under way. */
  release(endpoint: number, thread: number): void {
    Atomics.sub(this.#inFlight, this.#column(thread) + endpoint, 1);
  }

  /**
   * What became of it is known: its response has begun, or it has failed.
   *
   * @param siblings indices of the endpoints of the same service and region
   * @returns true when this call opened the breaker
   */
  settle(
    endpoint: number,
    admission: Admission,
    outcome: Outcome,
    siblings: readonly number[],
    settings: BreakerSettings,
    nowMs: number,
  ): boolean {
    if (admission === 'trial') return this.#trialEnded(endpoint, outcome, settings, nowMs);
    if (outcome === 'success') this.succeeded(endpoint, settings);
    return outcome === 'failure' && this.failed(endpoint, siblings, settings, nowMs);
  }

  /** Should there be more threads than a later configuration says, some share a column. */
  #column(thread: number): number {
    return (thread % this.#threads) * this.#endpoints;
  }

  #takeTrial(endpoint: number, trials: number): boolean {
    for (;;) {
      const taken = this.#load(endpoint, TRIALS);
      if (taken >= trials) return false;
      const at = endpoint * words + TRIALS;
      if (Atomics.compareExchange(this.#words, at, taken, taken + 1) === taken) return true;
    }
  }

  #trialEnded(
    endpoint: number,
    outcome: Outcome,
    { trials }: BreakerSettings,
    nowMs: number,
  ): boolean {
    const at = endpoint * words;
    if (this.state(endpoint) !== halfOpen) return false;
    if (outcome === 'failure') return this.#move(endpoint, halfOpen, open, nowMs);
    // Never below zero: the count may have been begun anew meanwhile.
    if (this.#load(endpoint, TRIALS) > 0) Atomics.sub(this.#words, at + TRIALS, 1);
    if (outcome === 'success' && Atomics.add(this.#words, at + PASSED, 1) + 1 >= trials) {
      this.admit(endpoint, nowMs);
    }
    return false;
  }

  /** Real traffic or a probe succeeded: failures in a row are forgotten. */
  succeeded(endpoint: number, settings?: BreakerSettings): void {
    if (this.#load(endpoint, FAILURES_IN_ROW) !== 0) this.#store(endpoint, FAILURES_IN_ROW, 0);
    if (settings?.failureShare !== undefined) this.#count(endpoint, REQUESTS);
  }

  /** One failure of real traffic. Returns true when it opened the breaker. */
  failed(
    endpoint: number,
    siblings: readonly number[],
    settings: BreakerSettings,
    nowMs: number,
  ): boolean {
    const { failures, failureShare, minimumRequests, maximumShare } = settings;
    let enough = this.#count(endpoint, FAILURES_IN_ROW) >= failures;
    if (failureShare !== undefined) {
      const requests = this.#count(endpoint, REQUESTS);
      const failed = this.#count(endpoint, FAILURES);
      enough ||= requests >= minimumRequests && failed / requests >= failureShare;
    }
    return enough && this.eject(endpoint, siblings, maximumShare, nowMs);
  }

  // ── The state ────────────────────────────────────────────────────────────────────────

  /** Opens at once, within the share. Returns true when this call opened it. */
  eject(
    endpoint: number,
    siblings: readonly number[],
    maximumShare: number,
    nowMs: number,
  ): boolean {
    const most = Math.max(1, Math.floor(siblings.length * maximumShare));
    let out = 0;
    for (const sibling of siblings) if (this.state(sibling) !== closed) out++;
    if (this.state(endpoint) === closed && out + 1 > most) return false;
    return this.#move(endpoint, closed, open, nowMs) || this.#move(endpoint, halfOpen, open, nowMs);
  }

  /** Lets trials in. Returns true when it was open. */
  tryAgain(endpoint: number, nowMs: number): boolean {
    this.#store(endpoint, TRIALS, 0);
    this.#store(endpoint, PASSED, 0);
    return this.#move(endpoint, open, halfOpen, nowMs);
  }

  /** Trials that never ended, of a thread that died, do not keep others out for ever. */
  forgetTrials(endpoint: number): void {
    this.#store(endpoint, TRIALS, 0);
  }

  /** Closes it. Returns true when it was not closed. */
  admit(endpoint: number, nowMs: number): boolean {
    for (const word of [FAILURES_IN_ROW, REQUESTS, FAILURES, OPENINGS, TRIALS]) {
      this.#store(endpoint, word, 0);
    }
    const before = Atomics.exchange(this.#words, endpoint * words + STATE, closed);
    if (before === closed) return false;
    this.#numbers[endpoint * numbers + ADMITTED_AT] = nowMs;
    this.#changed();
    return true;
  }

  /** How often it has opened without having been closed in between. */
  openings(endpoint: number): number {
    return this.#load(endpoint, OPENINGS);
  }

  /** The counts of a window begin anew. */
  beginWindow(endpoint: number): void {
    this.#store(endpoint, REQUESTS, 0);
    this.#store(endpoint, FAILURES, 0);
  }

  #move(endpoint: number, from: BreakerCode, to: BreakerCode, nowMs: number): boolean {
    const at = endpoint * words + STATE;
    if (Atomics.compareExchange(this.#words, at, from, to) !== from) return false;
    this.#numbers[endpoint * numbers + CHANGED_AT] = nowMs;
    if (to === open) this.#count(endpoint, OPENINGS);
    this.#changed();
    return true;
  }

  /** When the state changed last. */
  changedAtMs(endpoint: number): number {
    return this.#numbers[endpoint * numbers + CHANGED_AT]!;
  }

  // ── Load ─────────────────────────────────────────────────────────────────────────────

  /** Requests under way there, of all threads. */
  inFlight(endpoint: number): number {
    let sum = 0;
    for (let thread = 0; thread < this.#threads; thread++) {
      sum += Atomics.load(this.#inFlight, thread * this.#endpoints + endpoint);
    }
    return sum;
  }

  /** A thread has died, and its requests with it. */
  clearThread(thread: number): void {
    const first = this.#column(thread);
    this.#inFlight.fill(0, first, first + this.#endpoints);
  }

  /**
   * A response took this long: an average that follows a peak at once and forgets it slowly
   * (peak EWMA, Finagle): to 1/e in `decayMs`.
   */
  recordLatency(endpoint: number, latencyMs: number, decayMs: number, nowMs: number): void {
    const at = endpoint * numbers;
    const weight = this.#weight(at, decayMs, nowMs);
    const before = this.#numbers[at + EWMA_MS]! * weight;
    this.#numbers[at + EWMA_MS] = Math.max(latencyMs, before + latencyMs * (1 - weight));
    this.#numbers[at + EWMA_AT] = nowMs;
  }

  /** The average, decayed to this moment; 0: not known. */
  latencyMs(endpoint: number, decayMs: number, nowMs: number): number {
    const at = endpoint * numbers;
    const average = this.#numbers[at + EWMA_MS]!;
    return average === 0 ? 0 : average * this.#weight(at, decayMs, nowMs);
  }

  #weight(at: number, decayMs: number, nowMs: number): number {
    return Math.exp(-Math.max(0, nowMs - this.#numbers[at + EWMA_AT]!) / decayMs);
  }

  /** Since its breaker closed again; `Infinity`: it has never been open. */
  admittedForMs(endpoint: number, nowMs: number): number {
    const at = this.#numbers[endpoint * numbers + ADMITTED_AT]!;
    return at === 0 ? Number.POSITIVE_INFINITY : nowMs - at;
  }

  /** Takes over the record of the same endpoint in an older table; what is under way there ends there. */
  carryOver(endpoint: number, from: EndpointTable, old: number): void {
    for (let word = 0; word < words; word++) {
      if (word !== TRIALS) this.#store(endpoint, word, from.#load(old, word));
    }
    for (let at = 0; at < numbers; at++) {
      this.#numbers[endpoint * numbers + at] = from.#numbers[old * numbers + at]!;
    }
    if (this.state(endpoint) !== closed) this.#changed();
  }

  #load(endpoint: number, word: number): number {
    return Atomics.load(this.#words, endpoint * words + word);
  }

  #store(endpoint: number, word: number, value: number): void {
    Atomics.store(this.#words, endpoint * words + word, value);
  }

  #count(endpoint: number, word: number): number {
    return Atomics.add(this.#words, endpoint * words + word, 1) + 1;
  }
}
