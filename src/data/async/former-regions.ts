import { isStoreError } from '../../store/errors.ts';
import type { RegionalLog } from '../../store/regional-log.ts';
import {
  cursorPattern,
  cursorSubject,
  noEpoch,
  regionOfCursor,
  regionsKnownIn,
  savePosition,
} from './position.ts';

/** Each costs a consumer at every other region. */
const most = 64;
/** With `ttl`, cursors end too. */
const lookEveryMs = 600_000;

export interface FormerRegionsOptions {
  readonly log: RegionalLog;
  readonly region: string;
  /** The other regions that hold the bucket. */
  readonly others: readonly string[];
  readonly signal: AbortSignal;
  monotonicMs(): number;
}

interface Look {
  readonly epoch: string;
  readonly atMs: number;
}

/**
 * The regions that held the bucket once, as cursors of them in logs tell: in the own one, and in
 * those of the others. A region may have been there and gone while this one was not.
 *
 *   log of ap   us.cursor  ──▶ asked once for each life of that log, and now and then
 *   own log     us.cursor  ◀── kept, so that whoever asks here knows too
 */
export class FormerRegions {
  readonly #options: FormerRegionsOptions;
  readonly #names = new Set<string>();
  /** By region. */
  readonly #asked = new Map<string, Look>();
  #noted: (Look & { readonly names: number }) | undefined;

  constructor(options: FormerRegionsOptions) {
    this.#options = options;
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** Whether all is known that a log of another region tells, and the own one. */
  isToldBy(from: string, epoch: string | undefined): boolean {
    return (
      this.#noted !== undefined && epoch !== undefined && this.#asked.get(from)?.epoch === epoch
    );
  }

  /**
   * Learns which ones the log of another region knows.
   *
   * @throws {Error} when it does not answer.
   */
  async ask(from: string, epoch: string): Promise<void> {
    const { log, signal } = this.#options;
    if (!this.#isDue(this.#asked.get(from), epoch)) return;
    const atMs = this.#options.monotonicMs();
    for (const name of await regionsKnownIn(log, from, signal)) this.#add(name);
    this.#asked.set(from, { epoch, atMs });
  }

  /** It was out of reach, and may know more than before when it is not. */
  forget(from: string): void {
    this.#asked.delete(from);
  }

  /** Has a cursor in the own log of each region that is known, so that it stays so. */
  async note(): Promise<void> {
    const { log, others, monotonicMs } = this.#options;
    const { epoch } = log.state();
    const atMs = monotonicMs();
    const isSame = this.#noted?.names === this.#names.size;
    if (epoch === undefined || (isSame && !this.#isDue(this.#noted, epoch))) return;
    const cursors = await log.lastOfEach(cursorPattern);
    const known = new Set(cursors.map(({ subject }) => regionOfCursor(subject)));
    for (const name of known) if (name !== undefined) this.#add(name);
    for (const name of [...others, ...this.#names]) {
      if (!known.has(name)) await this.#save(name, epoch);
    }
    this.#noted = { epoch, atMs, names: this.#names.size };
  }

  #isDue(look: Look | undefined, epoch: string): boolean {
    const { monotonicMs } = this.#options;
    return look?.epoch !== epoch || monotonicMs() - look.atMs >= lookEveryMs;
  }

  #add(name: string): void {
    const { region, others } = this.#options;
    if (name === region || others.includes(name) || this.#names.has(name)) return;
    if (this.#names.size >= most) throw new Error(`logs name more than ${most} that are gone`);
    this.#names.add(name);
  }

  async #save(name: string, own: string): Promise<void> {
    const nothing = { epoch: noEpoch, sequence: 0, own, anew: true };
    try {
      await savePosition(this.#options.log, cursorSubject(name), nothing, 0);
    } catch (error) {
      // It was copied meanwhile.
      if (!isStoreError(error, 'revision_mismatch')) throw error;
    }
  }
}
