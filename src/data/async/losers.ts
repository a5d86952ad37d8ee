import { isStoreError } from '../../store/errors.ts';
import type { LogMessage, RegionalLog } from '../../store/regional-log.ts';
import type { StoredWrite } from './entries.ts';
import { headText, parseHead, parseVersion } from './head.ts';
import { versionOf, type Write } from './writes.ts';

/** An own write that lost to one which had not seen it. */
export interface LostWrite {
  readonly key: string;
  readonly version: string;
  /** Empty where the write was a deletion. */
  readonly value: Uint8Array;
  readonly deleted: boolean;
  /** The version that counts instead, or did at first. */
  readonly lostTo: string;
  /** When it was recorded; milliseconds since 1970. */
  readonly recordedAtMs: number;
}

export interface LostPage {
  readonly writes: readonly LostWrite[];
  /** For the next page; `undefined`: these are all. */
  readonly next: number | undefined;
}

/** Kept for longer than it can matter whether it was recorded already, whatever clocks say. */
export const keptLongerMs = 3_600_000;

const maximumPage = 1_000;

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

  async list(after: number, limit: number): Promise<LostPage> {
    const found: { readonly write: LostWrite; readonly sequence: number }[] = [];
    const done = new AbortController();
    const following = this.#log.follow({
      pattern: '>',
      after,
      signal: AbortSignal.any([done.signal, AbortSignal.timeout(2_500)]),
      onMessage: (message) => {
        const write = parseLost(message);
        if (write && found.length <= limit) found.push({ write, sequence: message.sequence });
        if (found.length > limit) done.abort();
      },
      onCaughtUp: () => done.abort(),
    });
    await following;
    const page = found.slice(0, Math.min(limit, maximumPage));
    const next = found.length > page.length ? page.at(-1)?.sequence : undefined;
    return { writes: page.map(({ write }) => write), next };
  }

  async close(): Promise<void> {
    await this.#log.close();
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
