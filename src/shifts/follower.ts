import type { Clock } from '../base/clock.ts';
import type { WatchEvent } from '../store/store.ts';
import { Trouble } from '../store/trouble.ts';
import { WatchAndCompare } from '../store/watch-and-compare.ts';
import { isShiftError } from './errors.ts';
import { parseShifts } from './parse.ts';
import type { ShiftDocument } from './shift.ts';
import { type SeenShifts, type Shifts, shiftsKey } from './shifts.ts';

export interface ShiftFollowerOptions {
  readonly shifts: Pick<Shifts, 'read' | 'watch' | 'giveBack' | 'mend'>;
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
 *       └── the leader has an older one, none, or what is no document of any version
 *              ──▶ it is given back, if that still stands
 */
export class ShiftFollower {
  readonly #options: ShiftFollowerOptions;
  readonly #trouble: Trouble;
  readonly #loops: WatchAndCompare;
  #document: ShiftDocument | undefined;

  constructor(options: ShiftFollowerOptions) {
    const { clock, shifts, random } = options;
    this.#options = options;
    this.#document = options.known;
    this.#trouble = new Trouble(options.onTrouble);
    this.#loops = new WatchAndCompare({
      ...{ clock, random, watch: () => shifts.watch() },
      onEvent: (event) => this.#onEvent(event),
      compare: () => this.#compare(),
      onError: (error) => this.#trouble.tellError(error),
    });
  }

  get document(): ShiftDocument | undefined {
    return this.#document;
  }

  get trouble(): string | undefined {
    return this.#trouble.message;
  }

  start(): void {
    this.#loops.start();
  }

  close(): void {
    this.#loops.close();
  }

  /** One that this node has just made: no need to wait for the watch. */
  adopt(document: ShiftDocument): void {
    if (document.sequence > (this.#document?.sequence ?? 0)) this.#hold(document);
  }

  #onEvent(event: WatchEvent): void {
    if (event.type === 'put' && event.key === shiftsKey) this.adopt(parseShifts(event.value));
  }

  async #compare(): Promise<void> {
    // What the watch brings meanwhile may be newer than the answer.
    const held = this.#document;
    const seen = await this.#options.shifts.read('leader').catch((error: unknown) => {
      if (held && isShiftError(error, 'shift_damaged')) return this.#mend(held, error);
      throw error;
    });
    if (seen === 'mended') return;
    if (held && held.sequence > (seen?.document.sequence ?? 0)) return this.#giveBack(held, seen);
    if (seen) this.adopt(seen.document);
    if (held && seen && isOther(held, seen.document)) this.#hold(seen.document);
    this.#trouble.clear();
  }

  async #mend(held: ShiftDocument, error: unknown): Promise<'mended'> {
    if (!(await this.#options.shifts.mend(held))) throw error;
    const what = 'what the store held of shifts was torn';
    this.#trouble.tell(`${what}: change ${held.sequence}, which was seen, is given back`);
    return 'mended';
  }

  async #giveBack(held: ShiftDocument, seen: SeenShifts | undefined): Promise<void> {
    const now = seen ? `the store says change ${seen.document.sequence}` : 'the store has none';
    this.#trouble.tell(
      `${now} of shifts, and change ${held.sequence} was seen: that one holds, and is given back`,
    );
    await this.#options.shifts.giveBack(held, seen?.storeRevision);
  }

  #hold(document: ShiftDocument): void {
    if (this.#loops.closed) return;
    this.#document = document;
    this.#options.onDocument(document);
  }
}

/**
 * A store that was set back may come to the same sequence by another change, made by who had not
 * seen the first. All nodes then follow the store, so that they agree.
 */
function isOther(held: ShiftDocument, { sequence, event }: ShiftDocument): boolean {
  return sequence === held.sequence && event.change !== held.event.change;
}
