import { isStoreError } from '../../store/errors.ts';
import type { LogMessage, RegionalLog } from '../../store/regional-log.ts';
import type { LostOptions, LostPage, LostWrite } from '../bucket.ts';
import { dataError } from '../errors.ts';
import { epochOf } from './cursor.ts';
import type { StoredWrite } from './entries.ts';
import { headText, parseHead, parseVersion } from './head.ts';
import { versionOf, type Write } from './writes.ts';

/** Kept for longer than it can matter whether it was recorded already, whatever clocks say. */
export const keptLongerMs = 3_600_000;

const maximumPage = { writes: 1_000, valueBytes: 4 * 1024 * 1024 } as const;
const listLimitMs = 2_500;

interface Progress {
  /** The last sequence that came. */
  told: number;
  valueBytes: number;
  end: 'of all' | 'of page' | undefined;
}

/** `EPOCH.SEQUENCE`: good in its region, as long as its log is the same. */
const cursorPattern = /^([0-9]{1,40})\.(\d{1,15})$/;

/**
 * The own writes of a region that lost, in a log of their own. Each is there once, under its
 * key and time, however often it is recorded:
 *
 *   other entry is appended, marked `displaced` ─▶ recorded ─▶ either may be replaced
 *                         └ crash ─▶ recorded by who is on duty next, or before either
 *                                    is replaced, whichever is first
 */
export class Losers {
  readonly #log: RegionalLog;
  readonly #conflictsMs: number;
  readonly #wallMs: () => number;

  constructor(log: RegionalLog, conflictsMs: number, wallMs: () => number) {
    this.#log = log;
    this.#conflictsMs = conflictsMs;
    this.#wallMs = wallMs;
  }

  /** Since the bucket was made: each took one sequence. */
  get count(): number {
    return this.#log.state().lastSequence;
  }

  /** Records what is marked among the entries of a key, if it is not yet. */
  async record(writes: readonly StoredWrite[], region: string): Promise<void> {
    for (const winner of writes) {
      if (winner.displaced === undefined) continue;
      const lost = writes.find((one) => one.region === region && one.at === winner.displaced);
      if (lost) await this.#keep(lost, winner, winner.storedAtMs);
    }
  }

  /** @throws {DataError} `cursor_invalid`, `revision_compacted`, `unreachable` */
  async list({ after, limit }: LostOptions): Promise<LostPage> {
    const { name } = this.#log;
    const from = after === undefined ? 0 : this.#sequenceOf(after);
    const epoch = epochOf(this.#log.state());
    const most = Math.min(limit, maximumPage.writes);
    const writes: LostWrite[] = [];
    const page: Progress = { told: from, valueBytes: 0, end: undefined };
    const done = new AbortController();
    await this.#log.follow({
      pattern: '>',
      after: from,
      signal: AbortSignal.any([done.signal, AbortSignal.timeout(listLimitMs)]),
      onMessage: (message) => {
        if (page.end) return;
        if (writes.length >= most || page.valueBytes >= maximumPage.valueBytes) {
          page.end = 'of page';
          done.abort();
          return;
        }
        page.told = message.sequence;
        page.valueBytes += message.value.byteLength;
        const write = parseLost(message);
        if (write) writes.push(write);
      },
      onCaughtUp: () => {
        page.end ??= 'of all';
        done.abort();
      },
    });
    if (page.end === 'of all') return { writes, next: undefined };
    // Without an epoch no cursor can be given; without progress none would lead further.
    if (epoch === undefined || page.told === from) {
      throw dataError('unreachable', `log ${name} was not told in ${listLimitMs} ms`);
    }
    return { writes, next: `${epoch}.${page.told}` };
  }

  async close(): Promise<void> {
    await this.#log.close();
  }

  #sequenceOf(cursor: string): number {
    const [, epoch, sequence] = cursorPattern.exec(cursor) ?? [];
    if (epoch === undefined) {
      throw dataError('cursor_invalid', 'the cursor is none that a page of lost writes gave');
    }
    const own = epochOf(this.#log.state());
    const { name } = this.#log;
    if (own === undefined) throw dataError('unreachable', `log ${name} is not known yet`);
    if (own === epoch) return Number(sequence);
    throw dataError('revision_compacted', `log ${name} was made anew since that cursor was given`);
  }

  async #keep(lost: StoredWrite, winner: Write, lostAtMs: number): Promise<void> {
    // Later its record may be gone, and it would be counted again.
    if (this.#wallMs() - lostAtMs >= this.#conflictsMs) return;
    const subject = `${lost.at}.${lost.key}`;
    const head = `${versionOf(winner)} ${headText({ ...lost, displaced: undefined })}`;
    const expected = { pattern: subject, sequence: 0 };
    try {
      await this.#log.append({ subject, head, value: lost.value, expected });
    } catch (error) {
      if (!isStoreError(error, 'revision_mismatch')) throw error;
    }
  }
}

function parseLost({ subject, head, value, storedAtMs }: LogMessage): LostWrite | undefined {
  const at = head.indexOf(' ');
  const lostTo = head.slice(0, at);
  if (!parseVersion(lostTo)) return undefined;
  try {
    const { write } = parseHead(head.slice(at + 1));
    return {
      key: subject.slice(subject.indexOf('.') + 1),
      version: versionOf(write),
      value,
      deleted: write.deleted,
      lostTo,
      recordedAtMs: storedAtMs,
    };
  } catch {
    return undefined;
  }
}
