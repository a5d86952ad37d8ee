import type { NatsConnection } from '@nats-io/transport-node';
import { messageOf } from '../../base/errors.ts';
import type { Freshness, MirrorReport } from './freshness.ts';
import type { Link } from './link.ts';
import { resolvesWithin, sleep } from './sleep.ts';
import { ensureBucket, mirrorInfo, type StreamShape } from './streams.ts';

const lookEveryMs = 1_000;
const retryMs = { first: 200, most: 1_000 } as const;

/**
 * Keeps a bucket in being, in the background: makes stream and mirror when the hub can be
 * reached, looks at the mirror once a second, and starts over when the mirror is gone or
 * the connection is another one (the leaf may have lost its disk).
 *
 *   missing ── ensured ──▶ standing ──┐ look: mirror there
 *      ▲                     │  ▲─────┘
 *      └── mirror gone, or ──┘
 *          new connection
 */
export class Provisioning {
  readonly ended: Promise<void>;
  readonly #stood = Promise.withResolvers<void>();
  readonly #bucket: string;
  #shape: StreamShape;
  readonly #link: Link;
  readonly #freshness: Freshness;
  #standingOn: NatsConnection | undefined;
  #problem: string | undefined;
  #unsafe: string | undefined;
  #mirror: MirrorReport | undefined;

  constructor(bucket: string, shape: StreamShape, link: Link, freshness: Freshness) {
    this.#bucket = bucket;
    this.#shape = shape;
    this.#link = link;
    this.#freshness = freshness;
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
    if (this.#standingOn !== connection) {
      const made = await ensureBucket(connection, this.#bucket, this.#shape);
      this.#problem = made.problem;
      this.#unsafe = made.unsafe;
      // What is unsafe is looked at again, until somebody puts it right.
      this.#standingOn = made.unsafe === undefined ? connection : undefined;
      this.#stood.resolve();
    }
    const askedAtMs = this.#link.nowMs();
    const mirror = await mirrorInfo(connection, this.#bucket);
    this.#mirror = mirror && { askedAtMs, ...mirror };
    if (this.#mirror) this.#freshness.observe(this.#mirror);
    else this.#standingOn = undefined;
  }
}
