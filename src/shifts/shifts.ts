import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Config } from '../config/schema/config.ts';
import { isTorn, oneLine } from '../revisions/fields.ts';
import { isStoreError } from '../store/errors.ts';
import type { Bucket, ReadOptions, Store, Watch } from '../store/store.ts';
import { hashOf, moveShift, operateShift, type ShiftAuthor, startShift } from './change.ts';
import type { CountsByNode, Sides } from './counts.ts';
import type { ShiftDecision } from './decide.ts';
import { fail, isShiftError } from './errors.ts';
import { isAuthor, isMessage, parseEvent, parseShifts, reasonLength } from './parse.ts';
import { countsOf, readShiftReports, type ShiftReport } from './reports.ts';
import {
  goesOn,
  type Operation,
  type Shift,
  type ShiftDocument,
  type ShiftEvent,
  type ShiftPlan,
} from './shift.ts';

export const shiftsKey = 'shifts.json';
const eventPrefix = 'event.';
/** Documents that are lost to others in a row before a change is given up. */
const attempts = 5;
export const keptEvents = 1_000;

/** A document as it was read. */
export interface SeenShifts {
  readonly document: ShiftDocument;
  /** Of the key in the store, for compare-and-set. */
  readonly storeRevision: number;
}

export interface Wish {
  readonly author: string;
  readonly message: string;
  /** What the node holds as the newest: a store that has lost it is given it back. */
  readonly known: ShiftDocument | undefined;
}

/**
 * All shifts of a deployment, as one document that is replaced by compare-and-set only:
 *
 *   bucket shifts    shifts.json      the shifts, and the event that made this document
 *                    event.00000012   the events before it, each with the hash of its forerunner
 *
 *   read ─▶ may it follow? ─▶ keep the event of the one before ─▶ replace, if unchanged
 *     ▲            │ no: typed error                                   │
 *     └────────────┴────────────── somebody was first ◀────────────────┘
 *
 * So of two nodes that find the same step due one takes it, and one that was held up for an hour
 * changes nothing: what it saw is not there any more.
 */
export class Shifts {
  readonly #bucket: Bucket;
  readonly #status: Bucket;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#bucket = store.bucket('shifts');
    this.#status = store.bucket('status');
    this.#clock = clock;
  }

  /** @throws MeridianError `shift_damaged`; StoreError */
  async read(from: NonNullable<ReadOptions['from']> = 'replica'): Promise<SeenShifts | undefined> {
    const entry = await this.#bucket.get(shiftsKey, { from });
    return entry && { document: parseShifts(entry.value), storeRevision: entry.revision };
  }

  watch(): Watch {
    return this.#bucket.watch('shifts.');
  }

  reports(): Promise<readonly ShiftReport[]> {
    return readShiftReports(this.#status);
  }

  /**
   * What was changed comes first in the document that this makes.
   *
   * @throws as `startShift`; `shift_conflict`, `shift_outcome_unknown`; StoreError
   */
  async start(plan: ShiftPlan, config: Config, wish: Wish): Promise<ShiftDocument> {
    return this.#change(wish, (document, author) => startShift(document, plan, config, author));
  }

  /**
   * Where it goes on (`goesOn`), it is done to the shift as it was seen, or not at all.
   *
   * @param seenTurn of the shift when the operator looked at it; `undefined`: as it is read first
   * @throws as `operateShift`; `shift_conflict`, `shift_outcome_unknown`; StoreError
   */
  async operate(
    id: string,
    operation: Operation,
    wish: Wish,
    seenTurn?: number,
  ): Promise<ShiftDocument> {
    const needsCounts = operation === 'resume' || operation === 'advance';
    const counts = needsCounts ? countsOf(await this.reports(), id) : {};
    let turn = seenTurn;
    return this.#change(wish, (document, author) => {
      if (goesOn(operation)) turn ??= document?.shifts.find((one) => one.id === id)?.turn;
      return operateShift(document, id, operation, turn, counts, author);
    });
  }

  /**
   * Does what a node found due, if the document that it looked at still stands.
   *
   * @returns false: somebody else was first.
   * @throws MeridianError `shift_invalid`, where nobody could read what it would make; StoreError
   */
  async move(
    { document, storeRevision }: SeenShifts,
    shift: Shift,
    decision: ShiftDecision,
    counts: CountsByNode,
    before: Sides | undefined,
    by: string,
  ): Promise<boolean> {
    const author = { by, message: '', nowMs: this.#clock.wallMs(), change: newName() };
    const told = { ...decision, reason: oneLine(decision.reason, reasonLength) };
    const next = readable(moveShift(document, shift, told, counts, before, author));
    try {
      await this.#keep(document.event);
      await this.#put(storeRevision, next);
      return true;
    } catch (error) {
      if (isBeaten(error)) return false;
      throw error;
    }
  }

  /**
   * Puts a document back that the store had and has lost, if what was read instead still stands.
   * Whoever does so writes the same, so it makes no new change.
   *
   * @param storeRevision of what was read; `undefined`: there was nothing
   * @returns false: there is another by now.
   */
  async giveBack(known: ShiftDocument, storeRevision: number | undefined): Promise<boolean> {
    try {
      await this.#put(storeRevision, known);
      return true;
    } catch (error) {
      if (isBeaten(error)) return false;
      throw error;
    }
  }

  /**
   * The same in the place of what no version of Meridian writes: of what is JSON, a newer node may have
   * made it.
   *
   * @returns false: there is something else by now.
   */
  async mend(known: ShiftDocument): Promise<boolean> {
    const entry = await this.#bucket.get(shiftsKey, { from: 'leader' });
    return entry !== undefined && isTorn(entry.value) && this.giveBack(known, entry.revision);
  }

  /** Newest first, at most `limit`; ends where one is missing, damaged, or not the one it says. */
  async events(limit: number): Promise<readonly ShiftEvent[]> {
    const seen = await this.read();
    const events: ShiftEvent[] = [];
    let event = seen?.document.event;
    while (event && events.length < limit) {
      events.push(event);
      const before: ShiftEvent | undefined =
        event.previous === '' ? undefined : await this.#event(event.sequence - 1);
      event = before && hashOf(before) === event.previous ? before : undefined;
    }
    return events;
  }

  async #change(
    { author: by, message, known }: Wish,
    edit: (document: ShiftDocument | undefined, author: ShiftAuthor) => ShiftDocument,
  ): Promise<ShiftDocument> {
    if (!isAuthor(by)) fail('shift_invalid', 'author: expected 1 to 200 characters of one line');
    if (!isMessage(message)) fail('shift_invalid', 'message: expected at most 1000 characters');
    const change = newName();
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const seen = await this.read('leader');
      if (seen?.document.event.change === change) return seen.document;
      const isBehind = known && known.sequence > (seen?.document.sequence ?? 0);
      const document = isBehind ? known : seen?.document;
      const author = { by, message, nowMs: this.#clock.wallMs(), change };
      const next = readable(edit(document, author));
      if (document) await this.#keep(document.event);
      if (await this.#replace(seen?.storeRevision, next)) return next;
    }
    return fail('shift_conflict', `others changed shifts ${attempts} times meanwhile`);
  }

  /** @returns false: it is another one, or it is not known which. */
  async #replace(storeRevision: number | undefined, next: ShiftDocument): Promise<boolean> {
    try {
      await this.#put(storeRevision, next);
      return true;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      if (isBeaten(error)) return false;
      if (error.details.outcome !== 'unknown') throw error;
      return this.#isThere(next.event, error.message);
    }
  }

  async #put(storeRevision: number | undefined, document: ShiftDocument): Promise<void> {
    if (storeRevision === undefined) await this.#bucket.create(shiftsKey, encode(document));
    else await this.#bucket.update(shiftsKey, encode(document), storeRevision);
  }

  /** After a write without a confirmation. */
  async #isThere({ change, sequence }: ShiftEvent, why: string): Promise<boolean> {
    const seen = await this.read('leader').catch(() => undefined);
    if (seen?.document.event.change === change) return true;
    if (seen && seen.document.sequence >= sequence) {
      // Whoever replaced it has kept its event.
      const kept = await this.#event(sequence, 'leader').catch(() => undefined);
      return kept?.change === change;
    }
    const message = `whether the change was accepted is not known: ${why}`;
    return fail('shift_outcome_unknown', message, { outcome: 'unknown' });
  }

  /** Before what it made is replaced. Whoever does that writes the same. */
  async #keep(event: ShiftEvent): Promise<void> {
    await this.#bucket.put(eventKey(event.sequence), Buffer.from(JSON.stringify(event)));
    const old = event.sequence - keptEvents;
    if (old > 0) await this.#bucket.delete(eventKey(old)).catch(() => undefined);
  }

  async #event(
    sequence: number,
    from: NonNullable<ReadOptions['from']> = 'replica',
  ): Promise<ShiftEvent | undefined> {
    const entry = await this.#bucket.get(eventKey(sequence), { from });
    try {
      return entry && parseEvent(entry.value);
    } catch (error) {
      if (isShiftError(error, 'shift_damaged')) return undefined;
      throw error;
    }
  }
}

function eventKey(sequence: number): string {
  return `${eventPrefix}${String(sequence).padStart(8, '0')}`;
}

/** What was read stands no more. */
function isBeaten(error: unknown): boolean {
  return isStoreError(error, 'revision_mismatch') || isStoreError(error, 'key_exists');
}

function encode(document: ShiftDocument): Uint8Array {
  return Buffer.from(JSON.stringify(document));
}

/** What no node could read again would stand in the way of every shift. @throws `shift_invalid` */
function readable(document: ShiftDocument): ShiftDocument {
  try {
    parseShifts(encode(document));
    return document;
  } catch (error) {
    if (!isShiftError(error, 'shift_damaged')) throw error;
    return fail('shift_invalid', `not to be kept: ${error.message}`);
  }
}

function newName(): string {
  return randomBytes(12).toString('hex');
}
