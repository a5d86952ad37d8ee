import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import type { NatsCluster } from '../../test/support/nats-cluster.ts';

const hub = '$JS.global.API';
const bucket = 'plain';

/**
 * The same servers used without Meridian, by their own client: a bucket in the layout of their
 * key-value layer on the hub with its mirror on the leaf, and a stream of the leaf's own.
 */
export class PlainNats {
  readonly #connection: NatsConnection;
  readonly #region: string;

  private constructor(connection: NatsConnection, region: string) {
    this.#connection = connection;
    this.#region = region;
  }

  static async connect(cluster: NatsCluster, region: string): Promise<PlainNats> {
    const connection = await connect({
      servers: cluster.leafUrl(region),
      user: 'meridian',
      pass: cluster.secret ?? '',
      inboxPrefix: `_INBOX.${region}`,
    });
    const plain = new PlainNats(connection, region);
    await plain.#prepare();
    return plain;
  }

  /** From the mirror, of what `putOnHub` wrote. */
  async get(key: string): Promise<void> {
    const subject = `$JS.API.DIRECT.GET.KV_${bucket}.$KV.${bucket}.${key}`;
    const { headers: found } = await this.#connection.request(subject, '', { timeout: 5_000 });
    if (found?.code !== 0) throw new Error(`no direct get: ${found?.description}`);
  }

  /** From the leader of the bucket, over whatever way; what an ousted leader says is old. */
  async getFromLeader(key: string): Promise<void> {
    await this.#call(`${hub}.STREAM.MSG.GET.KV_${bucket}`, {
      last_by_subj: `$KV.${bucket}.${key}`,
    });
  }

  /** Confirmed by a majority. */
  async putOnHub(key: string, value: string): Promise<void> {
    await this.#publish(`${hub}.$KV.${bucket}.${key}`, value);
  }

  /** Confirmed by the leaf. */
  async putOnLeaf(key: string, value: string): Promise<void> {
    await this.#publish(`$DATA.${this.#region}.${bucket}.${key}`, value);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #prepare(): Promise<void> {
    const shared = { storage: 'file', retention: 'limits', allow_direct: true };
    const last = { max_msgs_per_subject: 1, discard: 'new' };
    const name = `KV_${bucket}`;
    await this.#make(`${hub}.STREAM.CREATE.${name}`, {
      ...{ name, ...shared, ...last, num_replicas: 3 },
      subjects: [`$KV.${bucket}.>`],
    });
    await this.#make(`$JS.API.STREAM.CREATE.${name}`, {
      ...{ name, ...shared, max_msgs_per_subject: 1, mirror_direct: true },
      mirror: { name, external: { api: hub, deliver: '' } },
    });
    await this.#make('$JS.API.STREAM.CREATE.PLAIN', {
      ...{ name: 'PLAIN', ...shared, ...last },
      subjects: [`$DATA.${this.#region}.${bucket}.>`],
    });
  }

  /** Until it is there: right after a start the hub has no leader. */
  async #make(subject: string, config: object): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#call(subject, config);
      } catch (error) {
        if (/already in use/.test(String(error))) return;
        if (tries === 20) throw error;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }

  async #call(subject: string, request: object): Promise<void> {
    const options = { timeout: 5_000 };
    const reply = await this.#connection.request(subject, JSON.stringify(request), options);
    throwIfRefused(reply.json());
  }

  async #publish(subject: string, value: string): Promise<void> {
    const fields = headers();
    fields.set('Nats-Expected-Stream', subject.startsWith(hub) ? `KV_${bucket}` : 'PLAIN');
    const reply = await this.#connection.request(subject, value, {
      timeout: 5_000,
      headers: fields,
    });
    throwIfRefused(reply.json());
  }
}

function throwIfRefused(answer: { error?: { description?: string } }): void {
  if (answer.error) throw new Error(`nats-server answered: ${answer.error.description}`);
}
