import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import type { DeclaredBucket, DeclaredSettings } from '../declared.ts';
import { Elections } from '../elections/elections.ts';
import { checkBucketName, checkKey, checkLogName, checkSubject } from '../names.ts';
import { PartedObjects } from '../objects.ts';
import { Reachability } from '../reachability.ts';
import type { LogSettings, RegionalLog } from '../regional-log.ts';
import type { Bucket, HubShape, Objects, Signal, Store, StoreStatus } from '../store.ts';
import { Connection, type StoreTls } from './connection.ts';
import { DeclaredJetStreamBucket } from './declared-jetstream-bucket.ts';
import { keepHeartbeat } from './heartbeat.ts';
import { adoptedShape } from './hub-shape.ts';
import { JetStreamBucket } from './jetstream-bucket.ts';
import { Link, type LinkOptions } from './link.ts';
import { JetStreamLog } from './regional/jetstream-log.ts';
import { createSignal } from './signals.ts';

export interface JetStreamOptions {
  /** The region's leaf servers, `nats://host:port`, in order of preference. At least one. */
  readonly servers: readonly string[];
  /** Names the node in the store; a word of `A-Za-z0-9_=/-`, one per process. */
  readonly name: string;
  /** Copies of each bucket on the hub: `replicasFor(regions)`. */
  readonly replicas: HubShape['replicas'];
  /** Default: `name`. */
  readonly region?: string | undefined;
  /** Password of the store's servers, where they have one. */
  readonly secret?: string | undefined;
  /** Where they demand certificates. */
  readonly tls?: StoreTls | undefined;
  /**
   * Clients' ports of all voters of the hub, where the secret is that of their system account
   * too, as in a stack: then the node calls elections (`elections.ts`).
   */
  readonly voters?: readonly string[] | undefined;
}

/** No operator's bucket has a `_` in its name. */
const heartbeatBucket = 'sys_heartbeat';

/** The store of a deployment: NATS JetStream through the region's leaf server. */
export class JetStreamStore implements Store {
  readonly #link: Link;
  readonly #reachability: Reachability;
  readonly #node: string;
  readonly #buckets = new Map<string, JetStreamBucket>();
  readonly #declared = new Map<string, DeclaredJetStreamBucket>();
  readonly #logs = new Set<RegionalLog>();
  readonly #options: JetStreamOptions;
  /** To the first leaf, where there are several: a regional log lies on that alone. */
  #firstLeaf: Link | undefined;
  readonly #heartbeat: Promise<void>;
  #elections: Elections | undefined;
  /** What the hub is, and what it is to become. */
  #hub: HubShape;
  #wanted: HubShape;

  constructor(options: JetStreamOptions, clock: Clock) {
    checkKey(options.name);
    this.#options = options;
    const nowMs = () => clock.monotonicMs();
    const reachability = new Reachability(nowMs());
    this.#reachability = reachability;
    this.#node = options.name;
    const onLost = (reason: string) => reachability.failed(nowMs(), reason);
    const connection = new Connection({
      ...options,
      region: options.region ?? options.name,
      onLost,
    });
    this.#hub = { replicas: options.replicas, voters: options.voters ?? [] };
    this.#wanted = this.#hub;
    this.#link = Link.over(connection, this.#linkOptions(nowMs));
    this.#elections = this.#attend();
    this.#open(heartbeatBucket);
    this.#heartbeat = keepHeartbeat(heartbeatBucket, options.name, this.#link);
  }

  bucket(name: string): Bucket {
    checkBucketName(name);
    return this.#open(name);
  }

  declared(name: string, settings: DeclaredSettings): DeclaredBucket {
    checkBucketName(name);
    this.#link.checkOpen();
    const known = this.#declared.get(name);
    known?.use(settings);
    if (known) return known;
    const bucket = new DeclaredJetStreamBucket({
      name: `${name}_data`,
      node: this.#node,
      link: this.#link,
      replicas: () => this.#hub.replicas,
      settings,
      onClose: () => {
        if (this.#declared.get(name) !== bucket) return;
        this.#declared.delete(name);
        this.#buckets.delete(bucket.bucket.name);
      },
    });
    this.#declared.set(name, bucket);
    this.#buckets.set(bucket.bucket.name, bucket.bucket);
    return bucket;
  }

  regionalLog(name: string, settings: LogSettings): RegionalLog {
    checkLogName(name);
    this.#link.checkOpen();
    const region = this.#options.region ?? this.#options.name;
    const link = this.#toFirstLeaf();
    const onClose = () => this.#logs.delete(log);
    const log = new JetStreamLog({ name, region, settings, link, onClose });
    this.#logs.add(log);
    return log;
  }

  adjust(wanted: HubShape): void {
    if (this.#link.closing.aborted || isDeepStrictEqual(wanted, this.#wanted)) return;
    this.#wanted = isDeepStrictEqual(wanted, this.#hub) ? this.#hub : wanted;
    this.#adopt(undefined);
  }

  objects(name: string): Objects {
    checkBucketName(name);
    return new PartedObjects(this.#open(`${name}_objects`));
  }

  signal(subject: string): Signal {
    checkSubject(subject);
    return createSignal(subject, this.#link.connection);
  }

  status(): StoreStatus {
    const { reachable, sinceMs, lastError } = this.#reachability;
    const { connection, inspection } = this.#link;
    const { unsafe: unsafeServers, unverified } = inspection;
    const buckets = [...this.#buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const unsafe = unsafeServers ?? first(buckets, (bucket) => bucket.unsafe);
    const problem = first(buckets, (bucket) => bucket.problem);
    return {
      engine: 'jetstream',
      reachable,
      sinceMs,
      outOfReachForMs: this.#reachability.outOfReachForMs(this.#link.nowMs()),
      lastError: unsafe ?? lastError ?? problem ?? unverified,
      server: connection.server,
      serverVersion: connection.current?.info?.version,
      unsafe,
      unverified,
      buckets: buckets.map((bucket) => bucket.status()),
    };
  }

  async close(): Promise<void> {
    const first = this.#firstLeaf;
    const closed = [this.#link.connection.close(), first?.connection.close()];
    const declared = [...this.#declared.values()].map((bucket) => bucket.end());
    const buckets = [...this.#buckets.values()].map((bucket) => bucket.close());
    const logs = [...this.#logs].map((log) => log.close());
    const inspections = [this.#link.inspection.ended, first?.inspection.ended];
    const background = [this.#heartbeat, ...inspections, this.#elections?.close()];
    await Promise.all([...closed, ...background, ...declared, ...buckets, ...logs]);
  }

  #linkOptions(nowMs: () => number): LinkOptions {
    return {
      nowMs,
      reachability: this.#reachability,
      replicas: () => this.#hub.replicas,
      awaitsVoters: () => this.#hub !== this.#wanted,
      onVoters: (count) => this.#adopt(count),
    };
  }

  #adopt(voters: number | undefined): void {
    const before = this.#hub;
    this.#hub = adoptedShape(before, this.#wanted, voters);
    if (this.#hub.voters.join() === before.voters.join()) return;
    void this.#elections?.close();
    this.#elections = this.#attend();
  }

  #attend(): Elections | undefined {
    const voters = this.#hub.voters.map((url) => ({ url }));
    const { name, secret, tls } = this.#options;
    return voters.length > 1 ? new Elections({ voters, name, secret, tls }) : undefined;
  }

  #toFirstLeaf(): Link {
    const { servers, name, region = name } = this.#options;
    if (servers.length === 1) return this.#link;
    if (this.#firstLeaf) return this.#firstLeaf;
    const first = { ...this.#options, region, servers: servers.slice(0, 1), onLost: () => {} };
    const { nowMs } = this.#link;
    const link = Link.over(new Connection(first), this.#linkOptions(nowMs));
    this.#firstLeaf = link;
    return link;
  }

  #open(name: string): JetStreamBucket {
    const known = this.#buckets.get(name);
    if (known) return known;
    this.#link.checkOpen();
    const replicas = () => this.#hub.replicas;
    const bucket = new JetStreamBucket(name, this.#link, {
      get replicas() {
        return replicas();
      },
    });
    this.#buckets.set(name, bucket);
    return bucket;
  }
}

function first<T, U>(items: readonly T[], of: (item: T) => U | undefined): U | undefined {
  for (const item of items) {
    const found = of(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
