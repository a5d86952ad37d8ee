import type { BucketStatus } from '../store.ts';
import type { Link } from './link.ts';
import { sleep } from './sleep.ts';
import { type OriginReport, originReport } from './streams.ts';

const everyMs = 2_000;
const jitter = 0.2;
/** Followers hear from their leader every second: three missed, and a copy counts as gone. */
const silentAfterMs = 3_500;

export type OriginState = Pick<BucketStatus, 'leader' | 'replicas' | 'current' | 'quorum'>;

/**
 * Asks the hub every 2 s who leads a bucket and which copies are there, for `status` only:
 * whether writes succeed is found out by writing.
 */
export class BucketHealth {
  readonly ended: Promise<void>;
  readonly #bucket: string;
  readonly #link: Link;
  readonly #onTold: (epoch: string | undefined) => void;
  #bytes: { readonly count: number; readonly atMs: number } | undefined;
  #state: OriginState = { leader: undefined, replicas: 0, current: 0, quorum: false };

  /** @param onTold with the life of the bucket that the hub has; `undefined`: it has no such bucket. */
  constructor(bucket: string, link: Link, onTold: (epoch: string | undefined) => void) {
    this.#bucket = bucket;
    this.#link = link;
    this.#onTold = onTold;
    this.ended = this.#run();
  }

  get state(): OriginState {
    return this.#state;
  }

  /** What the hub's copies take, as last told, and when (monotonic): up to about 3 s ago. */
  get bytes(): { readonly count: number; readonly atMs: number } | undefined {
    return this.#bytes;
  }

  /** Asks now. */
  async look(): Promise<void> {
    this.#state = judgeOrigin(await this.#ask(), this.#state.replicas);
  }

  async #run(): Promise<void> {
    const { closing, connection: connections } = this.#link;
    while (!closing.aborted) {
      await this.look();
      const known = this.#state.leader !== undefined || !connections.current;
      const pauseMs = everyMs * (1 + jitter * (2 * Math.random() - 1));
      await sleep(known ? pauseMs : pauseMs / 4, closing);
    }
  }

  async #ask(): Promise<OriginReport | undefined> {
    const connection = this.#link.connection.current;
    if (!connection) return undefined;
    try {
      const atMs = this.#link.nowMs();
      const report = await originReport(connection, this.#bucket);
      if (report) this.#bytes = { count: report.bytes, atMs };
      if (!report || report.leader !== undefined) this.#onTold(report?.epoch);
      return report;
    } catch {
      return undefined; // not made yet, no leader, or the hub is out of reach: nobody leads
    }
  }
}

/** @param known how many copies there were to be when it last was told. Pure. */
export function judgeOrigin(report: OriginReport | undefined, known: number): OriginState {
  const replicas = report?.replicas ?? known;
  if (report?.leader === undefined) {
    return { leader: undefined, replicas, current: 0, quorum: false };
  }
  const followers = report.followers.filter(
    (follower) => follower.current && follower.silentForMs < silentAfterMs,
  );
  const current = 1 + followers.length;
  return { leader: report.leader, replicas, current, quorum: current * 2 > replicas };
}
