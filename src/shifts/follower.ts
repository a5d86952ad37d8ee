import type { Clock, Timer } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { isStoreError } from '../store/errors.ts';
import type { Watch } from '../store/store.ts';
import { parseShifts } from './parse.ts';
import type { ShiftDocument } from './shift.ts';
import { type Shifts, shiftsKey } from './shifts.ts';

/** The document is asked for again after at most so long, whatever the watch said. */
export const compareIntervalMs = 5_000;
const jitter = 0.2;
const watchAgainMs = 500;

export interface ShiftFollowerOptions {
  readonly shifts: Pick<Shifts, 'read' | 'watch'>;
  readonly clock: Clock;
  /** What held when the node ended last. */
  readonly known: ShiftDocument | undefined;
  /** Whenever there is a newer one. Must not throw. */
  onDocument(document: ShiftDocument): void;
  /** What is wrong with it; told when it changes. The last good one holds. */
  onTrouble?(message: string): void;
  /** From 0 to below 1. */
  random?(): number;
}

/**
 * Holds the newest shifts that were ever seen. Their sequence never falls here: what is late, or
 * of a store that was set back, is not followed, so a step that was taken is not undone by
 * anything but a newer change. While the store is gone the last word holds, over restarts too.
 *
 *   watch ──────────────────┐ at once
 *                           ▼
 *                      newer than held? ──yes──▶ onDocument
 *                           ▲      └──no──▶ held
 *   compare, every 4–5 s ───┘
 */
export class ShiftFollower {
  readonly #options: ShiftFollowerOptions;
  #document: ShiftDocument | undefined;
  #trouble: string | undefined;
  #watch: Watch | undefined;
  readonly #timers = new Map<'watch' | 'compare', Timer>();
  #closed = false;

  constructor(options: ShiftFollowerOptions) {
    this.#options = options;
    this.#document = options.known;
  }

  get document(): ShiftDocument | undefined {
    return this.#document;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  start(): void {
    void this.#follow();
    void this.#compare();
  }

  close(): void {
    this.#closed = true;
    this.#watch?.close();
    for (const timer of this.#timers.values()) timer.cancel();
  }

  /** One that this node has just made: no need to wait for the watch. */
  adopt(document: ShiftDocument): void {
    if (this.#closed || document.sequence <= (this.#document?.sequence ?? 0)) return;
    this.#document = document;
    this.#options.onDocument(document);
  }

  async #follow(): Promise<void> {
    try {
      this.#watch = this.#options.shifts.watch();
      for await (const event of this.#watch) {
        if (this.#closed) return;
        if (event.type === 'put' && event.key === shiftsKey) this.adopt(parseShifts(event.value));
      }
    } catch (error) {
      this.#report(error);
    }
    this.#watch?.close();
    this.#again('watch', watchAgainMs, () => this.#follow());
  }

  async #compare(): Promise<void> {
    const { random = Math.random, shifts } = this.#options;
    try {
      const seen = await shifts.read('leader');
      if (seen) this.adopt(seen.document);
      if (this.#isAhead(seen?.document.sequence ?? 0)) this.#tellAhead(seen?.document.sequence);
      else this.#trouble = undefined;
    } catch (error) {
      this.#report(error);
    }
    const intervalMs = compareIntervalMs * (1 - jitter * random());
    this.#again('compare', intervalMs, () => this.#compare());
  }

  #isAhead(sequence: number): boolean {
    return this.#document !== undefined && this.#document.sequence > sequence;
  }

  #tellAhead(sequence: number | undefined): void {
    const now = sequence === undefined ? 'the store has none' : `the store says change ${sequence}`;
    this.#tell(
      `${now} of shifts, and change ${this.#document?.sequence} was seen: that one holds until the next change`,
    );
  }

  #report(error: unknown): void {
    if (!this.#closed && !isStoreError(error)) this.#tell(messageOf(error));
  }

  #tell(message: string): void {
    if (message === this.#trouble) return;
    this.#trouble = message;
    this.#options.onTrouble?.(message);
  }

  #again(what: 'watch' | 'compare', delayMs: number, run: () => Promise<void>): void {
    if (this.#closed) return;
    this.#timers.set(
      what,
      this.#options.clock.after(delayMs, () => void run()),
    );
  }
}
