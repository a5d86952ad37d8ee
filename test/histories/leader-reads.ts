import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Read } from '../../src/data/bucket.ts';
import { dataError } from '../../src/data/errors.ts';
import { leaderGet } from '../../src/store/jetstream/api.ts';
import { storeUser } from '../../src/store/nats-server/secret.ts';
import type { StoreOptions } from '../../src/store/open.ts';

/** Strong reads as they must not be: by asking who calls itself the leader, and no barrier. */
export class LeaderReads {
  readonly #options: StoreOptions & { engine: 'jetstream' };
  #connection: Promise<NatsConnection> | undefined;

  constructor(options: StoreOptions) {
    if (options.engine !== 'jetstream') throw new Error('there is no leader in memory');
    this.#options = options;
  }

  async get(bucket: string, key: string): Promise<Read> {
    try {
      this.#connection ??= this.#connect();
      const found = await leaderGet(await this.#connection, `${bucket}_data`, key, 2_500);
      const entry = found && { key, value: found.value, version: String(found.revision) };
      return { entry: found?.deleted ? undefined : entry, staleForMs: 0 };
    } catch (cause) {
      throw dataError('unreachable', 'the leader does not answer', { cause });
    }
  }

  #connect(): Promise<NatsConnection> {
    const { servers, region, name, secret } = this.#options;
    const [server] = servers;
    const inboxPrefix = `_INBOX.${region ?? name}`;
    return connect({
      servers: [new URL(server!).host],
      inboxPrefix,
      user: storeUser,
      pass: secret!,
      waitOnFirstConnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
    });
  }
}
