import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configSchema } from '../config/schema/config.ts';
import { openStore, storeOptionsFor } from './open.ts';

const location = { latitude: 0, longitude: 0 };
const config = (changes: object) =>
  configSchema.parse({
    regions: {
      a: { address: '127.0.1.1', location },
      b: { address: '127.0.2.1', location },
      c: { address: '127.0.3.1', location },
    },
    ...changes,
  });

describe('storeOptionsFor', () => {
  it('is the memory unless the configuration says otherwise', () => {
    assert.deepEqual(storeOptionsFor(config({}), 'a', 'a'), { engine: 'memory' });
  });

  it("finds the region's servers, or the leaf of a stack", () => {
    const servers = { a: ['nats://10.0.0.1:4222'] };
    const named = config({ store: { engine: 'jetstream', servers } });
    assert.deepEqual(storeOptionsFor(named, 'a', 'a-1', undefined), {
      engine: 'jetstream',
      servers: ['nats://10.0.0.1:4222'],
      name: 'a-1',
      region: 'a',
      replicas: 3,
      secret: undefined,
      tls: undefined,
      voters: [],
    });
    const stack = config({ store: { engine: 'jetstream' }, stack: {} });
    const options = storeOptionsFor(stack, 'b', 'b');
    assert.deepEqual(options.engine === 'jetstream' && options.servers, ['nats://127.0.2.1:4222']);
    const withSecret = storeOptionsFor(stack, 'b', 'b', 'a-secret-of-the-test');
    assert.deepEqual(
      withSecret.engine === 'jetstream' && withSecret.voters,
      [1, 2, 3].map((n) => `nats://127.0.${n}.1:4223`),
    );
    const votersOf = (servers: object) => {
      const filled = {
        store: { engine: 'jetstream', servers },
        stack: { storePorts: { leaf: 7222 } },
      };
      const made = storeOptionsFor(config(filled), 'b', 'b', 'a-secret-of-the-test');
      return made.engine === 'jetstream' ? made.voters?.length : undefined;
    };
    assert.equal(votersOf({ b: ['nats://127.0.2.1:7222'] }), 3, 'as a stack fills it in');
    assert.equal(votersOf({ b: ['nats://10.0.0.2:4222'] }), 0, "an operator's own");
    assert.throws(() => storeOptionsFor(named, 'b', 'b'), { code: 'store_not_configured' });
  });

  it("shows the region's identity where TLS is on, and demands that of the server", () => {
    const servers = { a: ['nats://10.0.0.1:4222'] };
    const secured = config({ store: { engine: 'jetstream', servers, tls: true } });
    const identity = { ca: 'CA', cert: 'CERT', key: 'KEY' };
    const options = storeOptionsFor(secured, 'a', 'a-1', undefined, identity);
    assert.deepEqual(options.engine === 'jetstream' && options.tls, {
      ...identity,
      serverName: 'a.region.meridian.internal',
    });
    assert.throws(() => storeOptionsFor(secured, 'a', 'a-1'), { code: 'store_not_configured' });
  });
});

it('openStore returns at once when there is no server, says so, and closes', async () => {
  const store = openStore({
    engine: 'jetstream',
    servers: ['nats://127.0.0.1:1'],
    name: 'n',
    replicas: 1,
  });
  assert.equal(store.status().reachable, false);
  await assert.rejects(store.bucket('b').put('k', new Uint8Array(1)), {
    code: 'store_unreachable',
    message: /127\.0\.0\.1:1/,
  });
  await store.close();
});
