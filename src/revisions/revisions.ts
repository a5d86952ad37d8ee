import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../base/clock.ts';
import { MeridianError } from '../base/errors.ts';
import { isStoreError } from '../store/errors.ts';
import type { Bucket, ReadOptions, Store, Watch } from '../store/store.ts';
import { AcknowledgementBoard } from './acknowledgements.ts';
import { type Author, type Change, checkAuthor, checkChange, type Rollback } from './change.ts';
import { Contents, packContent } from './content.ts';
import { fail } from './errors.ts';
import {
  appliedHead,
  checkAgainst,
  checkBase,
  encodeHead,
  headKey,
  revisionBefore,
  rolledBackHead,
} from './head.ts';
import { History } from './history.ts';
import { mendHead } from './mend.ts';
import { parseHead } from './parse.ts';
import { type NodeReport, readReports } from './reports.ts';
import { keptRevisions, prune, pruneEvery, pruneIsDue, tolerateStore } from './retention.ts';
import type { Acknowledgement, Head, RevisionInfo } from './revision.ts';
import { baselineOf, type RolloutAction, rolloutAfter } from './rollout.ts';

/** Heads that are lost to others in a row before a change is given up. */
const attempts = 5;
/** Where a change that is sent again looks for itself. */
const newest = 20;
/** After the limit of a write, for another look: both stay within 3 s. */
const secondLookMs = 400;

/** A head as it was read. */
export interface SeenHead {
  readonly head: Head;
  /** Of the key in the store, for compare-and-set. */
  readonly storeRevision: number;
  /** 0 from the leader. */
  readonly staleForMs: number;
}

/** One try of a change. */
interface Request {
  /** Names the change. */
  readonly change: string;
  readonly nowMs: number;
}

/** That nothing needs to be written, or how to write all but the head. */
type Draft = { readonly found: RevisionInfo } | { write(): Promise<Head> };

/**
 * The configuration of all regions as a line of revisions. Whatever changes it is decided
 * by one compare-and-set on the head, so history is linear and each base has one successor:
 *
 *   read head ─▶ may it follow? ─▶ parts, entry of the one before ─▶ head, if unchanged
 *      ▲              │ no: typed error                                │        │ outcome
 *      └──────────────┼──────────────── somebody was first ◀───────────┘        │ unknown
 *                     ▼                                                         ▼
 *                  nothing was changed                      read again: mine, lost, or told so
 *
 * Every call ends with a result, a `RevisionError`, or an error of the store. An error of
 * the store from a change says that nothing was accepted; only `outcome_unknown` leaves that
 * open. Where the store is out of reach the first step fails, within 3 s; where it is lost
 * midway, each of the three steps may take that long.
 */
export class Revisions {
  readonly #bucket: Bucket;
  readonly #status: Bucket;
  readonly #clock: Clock;
  readonly #contents: Contents;
  readonly #history: History;
  readonly #acknowledgements: AcknowledgementBoard;
  readonly #background = new Set<Promise<void>>();

  constructor(store: Store, clock: Clock) {
    this.#bucket = store.bucket('config');
    this.#status = store.bucket('status');
    this.#clock = clock;
    this.#contents = new Contents(this.#bucket);
    this.#history = new History(this.#bucket);
    this.#acknowledgements = new AcknowledgementBoard(store.bucket('acks'));
  }

  /**
   * @returns `undefined`: nothing was ever applied.
   * @throws RevisionError `revision_damaged`
   */
  async head(from: NonNullable<ReadOptions['from']> = 'replica'): Promise<SeenHead | undefined> {
    const entry = await this.#bucket.get(headKey, { from });
    if (!entry) return undefined;
    const { value, revision, staleForMs } = entry;
    return { head: parseHead(value), storeRevision: revision, staleForMs };
  }

  /** Every head from now on, the present one first. Values are as hostile as any. */
  watchHead(): Watch {
    // With the dot: the store then sends keys that begin so, and not all contents too.
    return this.#bucket.watch('head.');
  }

  /** How old the region's replica may be. */
  staleForMs(): number {
    return this.#bucket.staleForMs();
  }

  /**
   * The document of a revision, not validated.
   *
   * @throws RevisionError `revision_damaged`
   */
  read(info: RevisionInfo): Promise<unknown> {
    return this.#contents.read(info.content, `revision ${info.sequence}`);
  }

  /**
   * Newest first, the current one included, at most 100: no more are sure to be kept. What
   * cannot be read is left out, and while the store is out of reach what the region's replica
   * does not have.
   */
  async history(limit: number): Promise<readonly RevisionInfo[]> {
    const seen = await this.#newest();
    const infos: RevisionInfo[] = [];
    if (!seen || limit < 1) return infos;
    try {
      for await (const info of this.#history.walk(seen.head)) {
        if (typeof info !== 'string') infos.push(info);
        if (infos.length >= Math.min(limit, keptRevisions)) break;
      }
    } catch (error) {
      if (!isStoreError(error, 'store_unreachable')) throw error;
    }
    return infos;
  }

  /** @throws RevisionError `revision_unknown`, `revision_damaged` */
  async find(sequence: number): Promise<RevisionInfo> {
    return this.#find((await this.#newest())?.head, sequence);
  }

  /**
   * Makes a document the current revision, if `base` still is that.
   *
   * @throws RevisionError `change_invalid`, `rollout_invalid`, `revision_too_large`,
   *   `revision_conflict`, `revision_unchanged`, `rollout_running`, `outcome_unknown`
   * @throws StoreError nothing was accepted
   */
  async apply(change: Change): Promise<RevisionInfo> {
    checkChange(change);
    return await this.#accept(change, (seen, request) => {
      checkAgainst(seen?.head, change);
      return this.#drafted(seen, change, request);
    });
  }

  /**
   * Makes a document the current revision, whatever that is, once for each event `seed`.
   *
   * @throws as `apply`, but for the comparison with a base
   */
  async seed(
    change: Omit<Change, 'base' | 'rollout'> & { readonly seed: string },
  ): Promise<{ readonly info: RevisionInfo; readonly seeded: boolean }> {
    checkChange(change);
    const own = change.change ?? newName();
    const info = await this.#accept({ ...change, change: own }, async (seen, request) => {
      const found = await this.#findSeed(seen?.head, change.seed);
      return found ? { found } : this.#drafted(seen, change, request);
    });
    return { info, seeded: info.change === own };
  }

  /**
   * Brings back the content of an earlier revision as a new one, in all regions at once. A
   * rollout that is under way ends with it.
   *
   * @throws RevisionError `change_invalid`, `no_revision`, `revision_conflict`,
   *   `revision_unknown`, `revision_unchanged`, `outcome_unknown`
   * @throws StoreError nothing was accepted
   */
  async rollback(rollback: Rollback): Promise<RevisionInfo> {
    checkAuthor(rollback);
    return await this.#accept(rollback, async (seen, request) => {
      if (!seen) return fail('no_revision', 'nothing was ever applied: there is nothing to undo');
      const { head } = seen;
      checkBase(head, rollback.base);
      const target =
        rollback.to === undefined ? revisionBefore(head) : await this.#kept(head, rollback.to);
      const pending = head.rollout !== undefined && head.rollout.state !== 'done';
      if (target.hash === head.current.hash && !pending) {
        const message = `revision ${target.sequence} has the content that revision ${head.current.sequence} has`;
        fail('revision_unchanged', message);
      }
      return { write: async () => rolledBackHead(head, target, rollback, request) };
    });
  }

  /**
   * Moves a rollout on, if the head that was seen still stands.
   *
   * @returns false: somebody else was first.
   */
  async moveRollout(
    { head, storeRevision }: SeenHead,
    action: RolloutAction,
    reason: string,
    reports: readonly NodeReport[],
  ): Promise<boolean> {
    const rollout = rolloutAfter(head, action, reason, baselineOf(reports));
    try {
      await this.#bucket.update(headKey, encodeHead({ ...head, rollout }), storeRevision);
      return true;
    } catch (error) {
      if (isStoreError(error, 'revision_mismatch')) return false;
      throw error;
    }
  }

  /** See `mendHead`. */
  mend(known: Head): Promise<boolean> {
    return mendHead(this.#bucket, this.#acknowledgements, known);
  }

  acknowledge(acknowledgement: Acknowledgement): Promise<void> {
    return this.#acknowledgements.put(acknowledgement);
  }

  /** Of all nodes that ever told; what cannot be read is left out. */
  acknowledgements(): Promise<readonly Acknowledgement[]> {
    return this.#acknowledgements.all();
  }

  /** What nodes last said of themselves; what cannot be read is left out. */
  reports(): Promise<readonly NodeReport[]> {
    return readReports(this.#status);
  }

  /** When what runs behind a change (pruning) is over. */
  async settled(): Promise<void> {
    await Promise.all(this.#background);
  }

  /** What a document becomes after the head that was seen. */
  #drafted(seen: SeenHead | undefined, change: Omit<Change, 'base'>, request: Request): Draft {
    const write = async () => {
      const [packed, reports] = await Promise.all([
        packContent(change.document),
        change.rollout ? this.reports() : [],
      ]);
      const content = await this.#contents.write(packed);
      return appliedHead(seen?.head, change, {
        ...request,
        content,
        baseline: baselineOf(reports),
      });
    };
    return { write };
  }

  async #accept(
    author: Author,
    draft: (seen: SeenHead | undefined, request: Request) => Draft | Promise<Draft>,
  ): Promise<RevisionInfo> {
    const change = author.change ?? newName();
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const seen = await this.head('leader');
      const again = author.change !== undefined || attempt > 1;
      const own = seen && again ? await this.#ownOf(seen.head, change) : undefined;
      if (own) return own;
      const made = await draft(seen, { change, nowMs: this.#clock.wallMs() });
      if ('found' in made) return made.found;
      const keep = seen ? this.#history.keep(seen.head.current) : undefined;
      const [head] = await Promise.all([made.write(), keep]).catch(nothingAccepted);
      const accepted = await this.#replace(seen, head, change);
      if (accepted) return accepted;
    }
    return fail(
      'revision_conflict',
      `others changed the configuration ${attempts} times meanwhile`,
    );
  }

  /**
   * The compare-and-set that decides. Parts of a change that lost are left to `prune`.
   *
   * @returns `undefined`: somebody else was first, or another look at the head says more.
   */
  async #replace(
    seen: SeenHead | undefined,
    head: Head,
    change: string,
  ): Promise<RevisionInfo | undefined> {
    const bytes = encodeHead(head);
    try {
      const storeRevision = seen
        ? await this.#bucket.update(headKey, bytes, seen.storeRevision)
        : await this.#bucket.create(headKey, bytes);
      this.#later(this.#history.keepSeed(head.current));
      if (pruneIsDue(head)) this.#later(prune(this.#bucket, head, storeRevision));
      return head.current;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      if (error.code === 'revision_mismatch' || error.code === 'key_exists') return undefined;
      if (error.details.outcome !== 'unknown') throw error;
      if (await this.#movedSince(seen)) return undefined;
      const what = `whether revision ${head.current.sequence} was accepted is not known`;
      return fail('outcome_unknown', `${what}: ${error.message}`, {
        cause: error,
        details: {
          outcome: 'unknown',
          reason: error.code,
          change,
          sequence: head.current.sequence,
        },
      });
    }
  }

  /** Whether the head is known to be another one: then a write that expected it is decided. */
  async #movedSince(seen: SeenHead | undefined): Promise<boolean> {
    let limit: Timer | undefined;
    const late = new Promise<undefined>((resolve) => {
      limit = this.#clock.after(secondLookMs, () => resolve(undefined));
    });
    const look = this.#bucket.get(headKey, { from: 'leader' }).catch(() => undefined);
    const entry = await Promise.race([look, late]);
    limit?.cancel();
    return entry !== undefined && entry.revision !== seen?.storeRevision;
  }

  /** The revision that a change became, if it is among the newest. */
  async #ownOf(head: Head, change: string): Promise<RevisionInfo | undefined> {
    const { infos } = await this.#history.before(head, newest);
    return infos.find((info) => info.change === change);
  }

  async #findSeed(head: Head | undefined, seed: string): Promise<RevisionInfo | undefined> {
    if (!head) return undefined;
    const near = [head.current, head.previous].find((info) => info?.seed === seed);
    if (near) return near;
    const noted = await this.#history.findSeed(seed);
    if (noted) return noted;
    const { infos } = await this.#history.before(head, keptRevisions + pruneEvery);
    return infos.find((info) => info.seed === seed);
  }

  async #find(head: Head | undefined, sequence: number): Promise<RevisionInfo> {
    const near = [head?.current, head?.previous].find((info) => info?.sequence === sequence);
    const found = near ?? (sequence >= 1 ? await this.#history.find(sequence) : undefined);
    if (found && head && found.sequence <= head.current.sequence) return found;
    return unknown(sequence);
  }

  /** A revision whose content no concurrent pruning takes away (`retention.ts`). */
  #kept(head: Head, sequence: number): Promise<RevisionInfo> {
    const kept = sequence > head.current.sequence - keptRevisions;
    if (!kept && sequence !== head.previous?.sequence) return unknown(sequence);
    return this.#find(head, sequence);
  }

  /** From the leader; while that is out of reach, from the replica. */
  async #newest(): Promise<SeenHead | undefined> {
    try {
      return await this.head('leader');
    } catch (error) {
      if (!isStoreError(error, 'store_unreachable')) throw error;
      return await this.head('replica');
    }
  }

  #later(work: Promise<void>): void {
    const done = work.catch(tolerateStore).finally(() => this.#background.delete(done));
    this.#background.add(done);
  }
}

/** Of a request or of a content: no two are the same. */
function newName(): string {
  return randomBytes(12).toString('hex');
}

function unknown(sequence: number): never {
  const message = `there is no revision ${sequence}, or it is no longer kept`;
  return fail('revision_unknown', message, { details: { sequence } });
}

/** Only the head decides: whatever became of other writes, nothing was accepted. */
function nothingAccepted(error: unknown): never {
  if (!isStoreError(error)) throw error;
  const details = { ...error.details, outcome: 'none' };
  throw new MeridianError(error.code, error.message, { cause: error, details });
}
