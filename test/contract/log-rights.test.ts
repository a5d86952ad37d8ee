import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, type NatsConnection, type TlsOptions } from '@nats-io/transport-node';
import { identityName } from '../../src/store/nats-server/identities.ts';
import { openStore } from '../../src/store/open.ts';
import type { RegionalLog } from '../../src/store/regional-log.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';
import { bytes } from './contract-values.ts';

const settings = { maximumBytes: 1e6, whenFull: 'refuse', maximumAgeMs: undefined } as const;

describe("rights to regions' logs by certificate", { skip: natsServerMissing() }, () => {
  let cluster: NatsCluster;
  let store: Store;
  let log: RegionalLog;
  let node: NatsConnection;

  before(async () => {
    cluster = await NatsCluster.start({ regions: ['a', 'b'], leaves: ['a', 'b'], tls: true });
    // With a second leaf, which the log must not be on.
    const options = cluster.storeOptions('a');
    store = openStore({ ...options, servers: [...options.servers, 'nats://127.0.0.1:1'] });
    log = store.regionalLog('planted', settings);
    await eventually('the log', () => log.state().ready, 20_000);
    await log.append({ subject: 'a.k.x', head: 'h', value: bytes('v') });
    node = await connect({
      servers: cluster.leafUrl('b').slice('nats://'.length),
      tls: { ...cluster.tlsOf('b')!, servername: identityName('b') } as TlsOptions,
      inboxPrefix: '_INBOX.b',
      reconnect: false,
    });
  });
  after(async () => {
    await node?.close();
    await store?.close();
    await cluster?.close();
  });

  it("of another region's server a node gets nothing but what it follows", async () => {
    const requests = [
      '$JS.a.API.STREAM.INFO.DATA_planted',
      '$JS.a.API.STREAM.NAMES',
      '$JS.a.API.DIRECT.GET.DATA_planted',
      '$JS.a.API.CONSUMER.CREATE.DATA_planted.x.$DATA.a.planted.>',
      '$JS.a.API.CONSUMER.LIST.DATA_planted',
      '$JS.a.API.STREAM.DELETE.DATA_planted',
      '$DATA.a.planted.a.k.x',
    ];
    for (const subject of requests) {
      const answer = node.request(subject, '{}', { timeout: 20_000 });
      await assert.rejects(answer, /Permissions Violation/, subject);
    }
    assert.equal((await log.last('a.k.x'))?.head, 'h');
  });

  it('a request to follow makes a consumer of logs only, whatever it asks for', async () => {
    const request = {
      stream_name: 'DATA_planted',
      action: 'create',
      config: {
        name: 'x',
        deliver_subject: 'meridian.data.b.x',
        ack_policy: 'none',
        filter_subject: '>',
      },
    };
    const answer = await eventually('an answer', () =>
      node
        .request('meridian.follow.a.DATA_planted.x.planted.>', JSON.stringify(request), {
          timeout: 1_000,
          noMux: true,
          reply: 'meridian.data.b.answer',
        })
        .catch(() => undefined),
    );
    assert.match(answer.string(), /"error"/);
  });

  it("a node does not hear what is sent to another region's nodes", async () => {
    for (const subject of [
      'meridian.data.a.>',
      'meridian.data.>',
      '$DATA.>',
      'meridian.follow.>',
    ]) {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      node.subscribe(subject, { callback: (error) => resolve(error) });
      assert.match(String(await promise), /Permissions Violation for Subscription/, subject);
    }
  });
});
