import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bucketRoomBytes,
  crowdedServers,
  fileBytesFor,
  gibText,
  serverBytesOf,
  serverFileBytes,
} from './data-room.ts';
import { acceptDocument } from './document.ts';
import type { ConfigInput } from './schema/config.ts';

const GiB = 1024 ** 3;
const location = { latitude: 0, longitude: 0 };

function configOf(buckets: NonNullable<ConfigInput['data']>['buckets'], stack?: object) {
  const regions = {
    us: { address: '127.0.1.1', location },
    eu: { address: '127.0.2.1', location },
    wi: { address: '127.0.3.1', location, kind: 'witness' as const },
    ed: { address: '127.0.4.1', location, kind: 'edge' as const },
  };
  const servers = Object.fromEntries(Object.keys(regions).map((name) => [name, ['nats://a:1']]));
  const store = { engine: 'jetstream' as const, ...(!stack && { servers }) };
  const document = { regions, store, data: { buckets }, ...(stack && { stack }) };
  return acceptDocument(document, 'document').config;
}

function crowded({ regions, data }: ReturnType<typeof configOf>) {
  return crowdedServers(new Map(Object.entries(regions)), Object.entries(data.buckets));
}

test('a server that holds more than it has room for is told, with all that it holds', () => {
  const fits = configOf({ ledger: { consistency: 'sync', maximumSize: '7GiB' } });
  assert.deepEqual(crowded(fits), []);
  const sync = { consistency: 'sync', maximumSize: '4GiB' } as const;
  const two = configOf({ a: sync, b: sync, c: { consistency: 'async', residency: ['eu'] } });
  const more = serverBytesOf({ consistency: 'async', maximumSize: GiB / 4 });
  assert.deepEqual(crowded(two), [
    { server: 'the leaf of us', bytes: 8 * GiB, bucket: 'b' },
    { server: 'the leaf of eu', bytes: 8 * GiB + more, bucket: 'b' },
    { server: 'the voter of us', bytes: 8 * GiB, bucket: 'b' },
    { server: 'the voter of eu', bytes: 8 * GiB, bucket: 'b' },
    { server: 'the voter of wi', bytes: 8 * GiB, bucket: 'b' },
  ]);
  assert.equal(gibText(more), '0.4GiB');
});

test('servers of operators are made with room for their buckets; a stack with as many is refused', () => {
  const buckets = { big: { consistency: 'async', maximumSize: '100GiB' } } as const;
  assert.equal(fileBytesFor(configOf(buckets)), (106.25 + 25 + 1) * GiB);
  assert.equal(fileBytesFor(configOf({})), serverFileBytes);
  assert.throws(() => configOf(buckets, {}), /the buckets on the leaf of us need 131.3GiB/);
});

test('as many buckets of the default size fit as a service needs', () => {
  const { data } = configOf({ one: { consistency: 'async' } });
  assert.equal(Math.floor(bucketRoomBytes / serverBytesOf(data.buckets.one!)), 21);
});
