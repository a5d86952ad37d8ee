import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, type NatsConnection, type TlsOptions } from '@nats-io/transport-node';
import type { LinkIdentity } from '../../src/link/identity.ts';
import { isPassingStoreError, isStoreError } from '../../src/store/errors.ts';
import {
  hubName,
  identityName,
  storeOperator,
  systemOperator,
} from '../../src/store/nats-server/identities.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';
import { bytes, text } from './contract-values.ts';
import { patient } from './patience.ts';

const skip = natsServerMissing();
const secret = 'a-secret-of-the-test';
const startsWithinMs = 20_000;
/** How long an answer of a server is waited for. */
const patienceMs = 20_000;

// What an operator may have got wrong on the hub. One voter: nothing waits for elections.
describe('a hub that could lose confirmed writes', { skip, concurrency: 2 }, () => {
  it('by late fsync is not written to, is read, and is written to once it is put right', async () => {
    await withCluster('sync_interval: always', 'sync_interval: "2m"', async (cluster, store) => {
      const reason = await eventually('the finding', () => store.status().unsafe, startsWithinMs);
      assert.match(reason, /hub-a .*sync_interval: always/);
      assert.equal(store.status().lastError, reason);
      const bucket = store.bucket('values');
      await Promise.all([
        refused(() => bucket.put('k', bytes('1'))),
        refused(() => bucket.create('k', bytes('1'))),
        refused(() => bucket.update('k', bytes('1'), 1)),
        refused(() => bucket.delete('k')),
        refused(() => store.objects('values').put('k', bytes('1'))),
      ]);
      await eventually('the bucket', () => bucket.staleForMs() < 2_000, startsWithinMs);
      assert.equal(await patient(bucket).get('k'), undefined);

      await cluster.kill('hub', 'a');
      cluster.edit('hub', 'a', (conf) => conf.replace('"2m"', 'always'));
      cluster.start('hub', 'a');
      await eventually('it to be safe', () => !store.status().unsafe, startsWithinMs);
      assert.ok((await persistently(() => bucket.put('k', bytes('2')))) > 0);
    });
  });

  it('that does not tell is written to, and that is said', async () => {
    await withCluster(
      /^.*meridian\.server\.settings" } \]$|imports: .*$/m,
      '',
      async (_, store) => {
        const told = await eventually('the doubt', () => store.status().unverified, startsWithinMs);
        assert.match(told, /cannot verify.*sync_interval/);
        await eventually(
          'nothing else to be wrong',
          () => store.status().lastError === told,
          startsWithinMs,
        );
        assert.ok((await persistently(() => store.bucket('values').put('k', bytes('1')))) > 0);
      },
    );
  });

  it('by too few voters or copies, or by compression, is not written to', async () => {
    await withCluster('', '', async (cluster, store) => {
      await persistently(() => store.bucket('single').put('k', bytes('1')));
      const three = openStore({ ...cluster.storeOptions('a'), replicas: 3 });
      try {
        await refused(() => three.bucket('single').put('k', bytes('1')));
        assert.match(three.status().unsafe ?? '', /1 of the 3 voters/);
        const read = await eventually('it', () => patient(three.bucket('single')).get('k'));
        assert.equal(text(read.value), '1');
      } finally {
        await three.close();
      }
      const connection = await connect({
        servers: cluster.leafUrl('a').slice('nats://'.length),
        user: 'meridian',
        pass: secret,
        inboxPrefix: '_INBOX.a',
      });
      const compressed = { name: 'KV_pressed', subjects: ['$KV.pressed.>'], compression: 's2' };
      await connection.request(
        '$JS.global.API.STREAM.CREATE.KV_pressed',
        JSON.stringify(compressed),
        { timeout: patienceMs },
      );
      await connection.close();
      await refused(() => store.bucket('pressed').put('k', bytes('1')));
      assert.match(store.status().unsafe ?? '', /bucket pressed .*compressed/);
      await persistently(() => store.bucket('single').put('k', bytes('2')));
    });
  });
});

describe('rights by certificate', { skip }, () => {
  let cluster: NatsCluster;
  let store: Store;
  const open: NatsConnection[] = [];

  before(async () => {
    cluster = await NatsCluster.start({ regions: ['a', 'b', 'c'], leaves: ['a'], tls: true });
    store = openStore(cluster.storeOptions('a'));
    await persistently(() => store.bucket('kept').put('k', bytes('1')));
  });
  after(async () => {
    await Promise.all(open.map((connection) => connection.close()));
    await store?.close();
    await cluster?.close();
  });

  const connectAs = async (identity: LinkIdentity | undefined, server: string, inbox = 'a') => {
    const servername = identityName('a');
    const tls = identity ? { ...identity, servername } : { ca: cluster.tlsOf('a')!.ca, servername };
    const connection = await connect({
      servers: server.slice('nats://'.length),
      tls: tls as TlsOptions,
      inboxPrefix: `_INBOX.${inbox}`,
      reconnect: false,
      timeout: patienceMs,
    });
    open.push(connection);
    return connection;
  };

  it('a node cannot delete, change or list streams, nor reach into the account of the system', async () => {
    const node = await connectAs(cluster.tlsOf('a'), cluster.leafUrl('a'));
    const apis = ['$JS.API', '$JS.global.API'];
    const requests = ['DELETE.KV_kept', 'PURGE.KV_kept', 'UPDATE.KV_kept', 'NAMES', 'LIST'];
    const forbidden = apis.flatMap((api) => [
      ...requests.map((request) => `${api}.STREAM.${request}`),
      `${api}.STREAM.MSG.DELETE.KV_kept`,
      `${api}.STREAM.SNAPSHOT.KV_kept`,
      `${api}.STREAM.LEADER.STEPDOWN.KV_kept`,
      `${api}.CONSUMER.DELETE.KV_kept.x`,
      `${api}.META.LEADER.STEPDOWN`,
      `${api}.INFO`,
    ]);
    forbidden.push('$SYS.REQ.SERVER.PING.VARZ', '$SYS.REQ.ACCOUNT.MERIDIAN.CONNZ', '$KV.kept.k');
    for (const subject of forbidden) {
      const answer = node.request(subject, '{}', { timeout: patienceMs });
      const outcome = await answer.then((message) => message.string(), String);
      assert.match(outcome, /Permissions Violation/, `${subject}: ${outcome}`);
    }
    // By the name of the leaf's domain: refused under the name that it is mapped to.
    await assert.rejects(node.request('$JS.a.API.STREAM.DELETE.KV_kept', '{}', { timeout: 300 }));
    for (const api of apis) {
      const answer = await node.request(`${api}.STREAM.INFO.KV_kept`, '{}', {
        timeout: patienceMs,
      });
      assert.equal(answer.json<{ config: { name: string } }>().config.name, 'KV_kept');
    }
  });

  it("a node cannot listen to everything, to the writes of others or to another region's answers", async () => {
    const node = await connectAs(cluster.tlsOf('a'), cluster.leafUrl('a'));
    for (const subject of ['>', '*.>', '$SYS.>', '$KV.>', '$JS.>', '_INBOX.>', '_INBOX.b.>']) {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      node.subscribe(subject, { callback: (error) => resolve(error) });
      assert.match(String(await promise), /Permissions Violation for Subscription/);
    }
  });

  it('who shows no certificate, or that of another region, is nobody at a leaf', async () => {
    await assert.rejects(connectAs(undefined, cluster.leafUrl('a')));
    await assert.rejects(
      connectAs(await cluster.issue('b'), cluster.leafUrl('a')),
      /[Aa]uthorization/,
    );
  });

  it('a node cannot act as a server of the hub, nor be a client of it', async () => {
    const { address, ports } = cluster.sites[0]!;
    const hub = `nats://${address}:${ports.hub}`;
    await assert.rejects(connectAs(await cluster.issue('a'), hub), /[Aa]uthorization/);
    const system = await connectAs(await cluster.issue('ops', [systemOperator]), hub);
    const routes = async () => {
      const answer = await system.request('$SYS.REQ.SERVER.PING.ROUTEZ', '', {
        timeout: patienceMs,
      });
      return answer.json<{ data: { routes: { remote_name: string }[] } }>().data.routes;
    };
    const joined = async (identity: LinkIdentity) => {
      const rogue = await cluster.startRogue(identity);
      try {
        return await eventually(
          'the rogue to be let in or turned away',
          async () => {
            if (/authorization|maximum/i.test(rogue.log())) return 'turned away';
            return (await routes()).some((route) => route.remote_name === 'rogue') && 'let in';
          },
          startsWithinMs,
        );
      } finally {
        await rogue.stop();
      }
    };
    assert.equal(await joined(await cluster.issue('a')), 'turned away');
    // That it would be let in with the name that it lacks shows that this is what kept it out.
    assert.equal(await joined(await cluster.issue('a', [hubName])), 'let in');
  });

  it('an operator, by a certificate of the role, may do what nodes may not', async () => {
    const { address, ports } = cluster.sites[0]!;
    const identity = await cluster.issue('ops', [storeOperator]);
    const operator = await connectAs(identity, `nats://${address}:${ports.hub}`, 'ops');
    const answer = await operator.request('$JS.API.STREAM.NAMES', '{}', { timeout: patienceMs });
    assert.ok(answer.json<{ streams: string[] }>().streams.includes('KV_kept'));
  });
});

/** A voter and a leaf, with something changed in the configuration of the voter. */
async function withCluster(
  from: string | RegExp,
  to: string,
  use: (cluster: NatsCluster, store: Store) => Promise<void>,
): Promise<void> {
  const edit = (conf: string, kind: string) => (kind === 'hub' ? conf.replace(from, to) : conf);
  const cluster = await NatsCluster.start({ regions: ['a'], leaves: ['a'], secret, edit });
  const store = openStore(cluster.storeOptions('a'));
  try {
    await use(cluster, store);
  } finally {
    await store.close();
    await cluster.close();
  }
}

/** Once the servers could be asked whether they are safe, which has its time too. */
async function refused(write: () => Promise<unknown>): Promise<void> {
  const verdict = async () => {
    const error = await write().catch((reason: unknown) => reason);
    return isPassingStoreError(error) ? undefined : { error };
  };
  const { error } = await eventually('a verdict', verdict, startsWithinMs);
  assert.ok(isStoreError(error, 'store_unsafe'), String(error));
}

/** Again while the store is out of reach. */
async function persistently(write: () => Promise<number>): Promise<number> {
  return await eventually(
    'a write',
    async () => {
      try {
        return await write();
      } catch (error) {
        if (isStoreError(error, 'no_quorum') || isStoreError(error, 'store_unreachable')) return 0;
        throw error;
      }
    },
    startsWithinMs,
  );
}
