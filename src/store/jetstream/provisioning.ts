import type { NatsConnection } from '@nats-io/transport-node';
import { messageOf } from '../../base/errors.ts';
import type { MirrorReport } from './freshness.ts';
import type { Link } from './link.ts';
import { MirrorLife } from './mirror-life.ts';
import { resolvesWithin, sleep } from './sleep.ts';
import { ensureBucket, mirrorInfo, type StreamShape } from './streams.ts';

const lookEveryMs = 1_000;
const retryMs = { first: 200, most: 1_000 } as const;

/**
 * Keeps a bucket in being, in the background: makes stream and mirror when the hub can be
 * reached, looks at the mirror once a second, and starts over when stream or mirror is gone, the
 * mirror is of another life, or the connection is another one (the leaf may have lost its disk).
 *
 *   missing ── ensured ──▶ standing ──┐ look: mirror there, of this life
 *      ▲                     │  ▲─────┘
 *      └── else, or a new ───┘
 *          connection
 */
export class Provisioning {
  readonly ended: Promise<void>;
  readonly #stood = Promise.withResolvers<void>();
  readonly #bucket: string;
  #shape: StreamShape;
  readonly #link: Link;
  readonly #onMirror: { told(report: MirrorReport): void; isAnother(): void };
  readonly #life = new MirrorLife();
  #standingOn: NatsConnection | undefined;
  #lookedOn: NatsConnection | undefined;
  /** Where the right is not to be had, it is not asked for every second. */
  #removalRefusedOn: NatsConnection | undefined;
  #problem: string | undefined;
  #unsafe: string | undefined;
  #mirror: MirrorReport | undefined;

  constructor(
    bucket: string,
    shape: StreamShape,
    link: Link,
    onMirror: { told(report: MirrorReport): void; isAnother(): void },
  ) {
    this.#bucket = bucket;
    this.#shape = shape;
    this.#link = link;
    this.#onMirror = onMirror;
    this.ended = this.#run();
  }

  /** Why the bucket is not made yet, or why its mirror cannot follow. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Why what is written could be lost. */
  get unsafe(): string | undefined {
    return this.#unsafe;
  }

  /** Of the bucket on the hub, and of the mirror. */
  get life(): Pick<MirrorLife, 'epoch' | 'isOther' | 'mirror'> {
    return this.#life;
  }

  /** The connection over which the mirror told of itself. */
  get lookedOn(): NatsConnection | undefined {
    return this.#lookedOn;
  }

  /** The hub has this life of the bucket; `undefined`: it has no such bucket any more. */
  hubTold(epoch: string | undefined): void {
    if (epoch === undefined) this.#standingOn = undefined;
    else this.#life.hubTold(epoch, this.#link.nowMs());
  }

  /** What the mirror last told of itself. */
  get mirror(): MirrorReport | undefined {
    return this.#mirror;
  }

  /** From now on the bucket is to be like that. */
  apply(shape: StreamShape): void {
    this.#shape = shape;
    this.#standingOn = undefined;
  }

  /**
   * Waits until the bucket was found or made for the first time. A write to a stream that
   * is just being made gets lost between its servers, and would wait for an answer in vain.
   */
  async stood(deadlineMs: number): Promise<void> {
    const waitMs = Math.max(0, deadlineMs - performance.now());
    await resolvesWithin(this.#stood.promise, waitMs, this.#link.closing);
  }

  async #run(): Promise<void> {
    const { closing, connection: connections } = this.#link;
    let waitMs: number = retryMs.first;
    while (!closing.aborted) {
      const connection = connections.current;
      if (connection) {
        try {
          await this.#step(connection);
          waitMs = lookEveryMs;
        } catch (error) {
          if (this.#standingOn !== connection) {
            this.#problem = `bucket ${this.#bucket} is not ready: ${messageOf(error)}`;
          }
          waitMs = Math.min(waitMs * 2, retryMs.most);
        }
      } else {
        waitMs = retryMs.first;
      }
      await sleep(waitMs, closing);
    }
  }

  async #step(connection: NatsConnection): Promise<void> {
    await this.#look(connection);
    if (this.#standingOn === connection && this.#mirror && !this.#life.isOther) return;
    this.#standingOn = undefined;
    const isRefused = this.#removalRefusedOn === connection;
    const mayRenew = !isRefused && this.#life.mayRemove(this.#link.nowMs());
    const made = await ensureBucket(connection, this.#bucket, this.#shape, mayRenew);
    this.hubTold(made.epoch);
    this.#problem = made.problem;
    this.#unsafe = made.unsafe;
    // What is unsafe is looked at again, until somebody puts it right.
    this.#standingOn = made.unsafe === undefined ? connection : undefined;
    this.#stood.resolve();
    await this.#look(connection);
    if (mayRenew && this.#life.isOther) this.#removalRefusedOn = connection;
  }

  async #look(connection: NatsConnection): Promise<void> {
    const askedAtMs = this.#link.nowMs();
    const mirror = await mirrorInfo(connection, this.#bucket);
    this.#lookedOn = mirror && connection;
    this.#mirror = mirror && { askedAtMs, ...mirror };
    if (this.#life.mirrorTold(mirror, this.#link.nowMs())) this.#onMirror.isAnother();
    if (this.#mirror) this.#onMirror.told(this.#mirror);
  }
}
