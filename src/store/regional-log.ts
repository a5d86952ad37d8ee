/**
 * A log that one region writes for itself: of each subject the last message, on the disk of the
 * region's first leaf server. No other region takes part in a write, and none needs to be
 * there; they may follow it.
 *
 *   region A                                         region B
 *   append ─▶ log of A ◀─ last, lastOfEach           log of B
 *               └─────────── follow, over the hub ──▶ whoever follows A there
 *
 * Guarantees
 *
 * - **An append that was confirmed is on disk**, in the order of sequences, which grow over the
 *   whole log and are never used twice while `epoch` is the same.
 * - **Compare-and-set over a pattern**: with `expected`, an append is done only if the newest of
 *   all messages that match has that sequence. So who has read what matches knows that
 *   nothing was changed meanwhile.
 * - **Reads see each append that was confirmed before**, by whatever node of the region.
 * - Every call ends within `writeLimitMs` of the store, with a value or a `StoreError`.
 *
 * Subjects are those of the log: words of `A-Za-z0-9_=/-` joined by dots; in patterns `*` stands
 * for one word and `>`, at the end, for one or more.
 */
export interface RegionalLog {
  readonly name: string;
  /** The newest message whose subject matches. */
  last(pattern: string): Promise<LogMessage | undefined>;
  /** The last message of each subject that matches, at most 1,024, by sequence. */
  lastOfEach(pattern: string): Promise<readonly LogMessage[]>;
  /**
   * @returns its sequence.
   * @throws {StoreError} `revision_mismatch` with outcome `unknown` too: an earlier sending of it
   * was not answered, and may be what changed the sequence.
   */
  append(message: LogAppend): Promise<number>;
  /**
   * Calls `onMessage` with what matches until `signal` aborts, in order of sequence and without
   * gaps, or throws: then follow again after the last that came.
   */
  follow(options: LogFollow): Promise<void>;
  /** As it was told in the last second or so. */
  state(): LogState;
  /** Has `state` told anew, where the log can be asked. However many call, it is asked one question at a time. */
  look(): Promise<void>;
  /** Ends what runs for it in the background; the log stays. Idempotent. */
  close(): Promise<void>;
}

export interface LogSettings {
  /** Room for all messages; more are refused with `store_full`, or older ones dropped. */
  readonly maximumBytes: number;
  readonly whenFull: 'refuse' | 'dropOldest';
  /** When messages go by themselves. */
  readonly maximumAgeMs: number | undefined;
}

export interface LogMessage {
  readonly subject: string;
  /** A line of visible ASCII and spaces that goes before the value. */
  readonly head: string;
  readonly value: Uint8Array;
  readonly sequence: number;
  /** By the clock of the log's server; milliseconds since 1970. */
  readonly storedAtMs: number;
}

export interface LogAppend extends Pick<LogMessage, 'subject' | 'head' | 'value'> {
  readonly expected?: { readonly pattern: string; readonly sequence: number } | undefined;
  /** Default: the limit of one write from now. By `performance.now()`. */
  readonly deadlineMs?: number | undefined;
}

export interface LogFollow {
  /** Whose log of this name; default: the own region's. */
  readonly region?: string | undefined;
  readonly pattern: string;
  /** What is newer than this sequence; 0: the last message of each subject first. */
  readonly after: number;
  /** Without values. */
  readonly headsOnly?: boolean | undefined;
  /**
   * Of the own region's log: ends when it has another one. With it, much is asked for little by
   * little, in turns with others, so that nobody's reads wait behind it.
   */
  readonly epoch?: string | undefined;
  readonly signal: AbortSignal;
  /** `pending`: how many that match were still to come when this one was sent. */
  onMessage(message: LogMessage, pending: number): void;
  /** Called once: all that was there at the start has come. */
  onCaughtUp?(): void;
  /** Waited for, where there is something, before more is asked for. */
  room?(): Promise<void> | undefined;
}

export interface LogState {
  /**
   * Another one for each time that the log was made; `undefined`: not known yet, or there is
   * another connection, behind which it has not been looked at. So while it is the same,
   * nothing that was in the log is gone.
   */
  readonly epoch: string | undefined;
  readonly lastSequence: number;
  readonly messages: number;
  readonly bytes: number;
  /** When that was asked for, by `performance.now()`: what was appended before counts in it. */
  readonly askedAtMs: number;
  /** Whether it could be reached when it was last looked at. */
  readonly ready: boolean;
  /** Why it cannot be written or is not as it should be, in a sentence. */
  readonly problem: string | undefined;
}
