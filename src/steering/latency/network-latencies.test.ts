import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { atOnce } from '../../base/steps.ts';
import { findCell } from './measured-cells.ts';
import { NetworkLatencies, type NetworkLatenciesOptions } from './network-latencies.ts';
import { addressOfKey, networkKey } from './report-intake.ts';

const decay = { halfLifeMs: 1_000, expiryMs: 4_000 };

function create(more: Partial<NetworkLatenciesOptions> = {}): NetworkLatencies {
  return new NetworkLatencies({
    regions: ['eu', 'us'],
    ipv4Prefix: 24,
    ipv6Prefix: 48,
    decay,
    minimumReports: 3,
    networks: 100,
    ...more,
  });
}

const key = (...bytes: number[]) =>
  networkKey(Uint8Array.from(bytes), bytes.length === 4 ? 24 : 48);
const network = key(20, 1, 2, 3);
const latencies = (eu: number, us: number) =>
  [
    ['eu', eu],
    ['us', us],
  ] as const;
const rankOf = (of: NetworkLatencies, nowMs: number, at = network) => {
  const cells = atOnce(of.compile(nowMs));
  const { ranking } = findCell(cells, addressOfKey(at));
  return cells.rankings[ranking] && [...cells.rankings[ranking]].join();
};

let clients = 0;
/** Of another client each time. */
const record = (
  held: NetworkLatencies,
  of: string,
  told: ReturnType<typeof latencies>,
  nowMs: number,
) => held.record(of, Buffer.from(`${clients++}`), told, nowMs);

test('a network is steered by when enough reports agree, and until they are old', () => {
  const held = create();
  for (const eu of [90, 91]) record(held, network, latencies(eu, 20), 0);
  assert.equal(rankOf(held, 0), undefined, 'too few');
  record(held, network, latencies(92, 21), 0);
  assert.equal(rankOf(held, 0), '1,0');
  for (const eu of [1, 1]) record(held, network, latencies(eu, 5_000), 0);
  assert.equal(rankOf(held, 0), '1,0', 'the fewer ones lie');
  assert.equal(rankOf(held, 4_000), '1,0');
  assert.deepEqual([held.size, held.newestMs()], [1, 0]);
  assert.equal(rankOf(held, 4_001), undefined);
  assert.equal(held.size, 0, 'forgotten');
});

test('reports that do not agree are not steered by', () => {
  const held = create();
  for (const eu of [20, 400, 900, 1_500]) record(held, network, latencies(eu, 100), 0);
  const estimate = held.estimate(network, 'eu', 0);
  assert.deepEqual([estimate?.medianMs, held.believes(network, estimate)], [400, false]);
  assert.equal(rankOf(held, 0), undefined, 'one region alone ranks nothing');
});

test('what other nodes know counts by its reports; each is heard anew, and eight at most', () => {
  const held = create();
  const told = (medianMs: number, reports: number) =>
    new Map([
      ['eu', { medianMs, spreadMs: 1, reports, atMs: 0 }],
      ['us', { medianMs: 50, spreadMs: 1, reports, atMs: 0 }],
      ['unknown', { medianMs: 1, spreadMs: 1, reports, atMs: 0 }],
    ]);
  held.take('us/a', network, told(20, 10));
  assert.equal(rankOf(held, 0), '0,1');
  held.take('us/a', network, told(90, 10));
  assert.equal(rankOf(held, 0), '1,0');
  for (let at = 0; at < 20; at++) held.take(`us/${at}`, network, told(30, 10));
  assert.equal(held.estimate(network, 'eu', 0)?.reports, 10);
  assert.equal(held.estimate(network, 'unknown', 0), undefined);
  assert.equal(held.own(network), undefined, 'and none of it is told as its own');
});

test('one client is one of the reports, however often it reports and to however many nodes', () => {
  const held = create();
  const one = Uint8Array.of(20, 1, 2, 3);
  for (let nowMs = 0; nowMs < 20; nowMs++) held.record(network, one, latencies(900, 1), nowMs);
  assert.equal(held.own(network)?.get('eu')?.reports, 1);
  for (let at = 0; at < 5; at++) held.take(`us/${at}`, network, held.own(network)!);
  assert.equal(held.estimate(network, 'eu', 20)?.reports, 1);
  assert.equal(rankOf(held, 20), undefined);
  for (let at = 0; at < 2; at++) record(held, network, latencies(20, 90), 20);
  for (let nowMs = 21; nowMs < 40; nowMs++) held.record(network, one, latencies(900, 1), nowMs);
  const { medianMs, reports } = held.own(network)?.get('eu') ?? {};
  assert.deepEqual([medianMs, reports], [20, 3]);
  const again = create();
  again.restore(network, held.own(network)!, 40);
  again.record(network, one, latencies(900, 1), 40);
  assert.equal(again.own(network)?.get('eu')?.reports, 3, 'nor by a restart');
});

test('of the address of a client nothing stays', () => {
  const held = create();
  held.record(network, Uint8Array.of(20, 1, 2, 171), latencies(1, 2), 0);
  const shown = inspect(held, { depth: 9, showHidden: true });
  assert.doesNotMatch(shown, /140102ab|14 01 02 ab|\b335610539\b/);
});

test('reports count until they expire, however new the last one of their network is', () => {
  const held = create();
  for (const eu of [90, 91, 92]) record(held, network, latencies(eu, 20), 0);
  record(held, network, latencies(93, 20), 3_900);
  assert.equal(rankOf(held, 4_000), '1,0');
  assert.equal(rankOf(held, 4_001), undefined);
  assert.deepEqual([held.own(network)?.get('eu')?.reports, held.newestMs()], [1, 3_900]);
});

test('a network of one client is steered by what it reports', () => {
  const held = create({ ipv4Prefix: 32 });
  const alone = networkKey(Uint8Array.of(20, 1, 2, 3), 32);
  record(held, alone, latencies(90, 20), 0);
  assert.equal(rankOf(held, 0, alone), '1,0');
});

test('a restart gives the same estimates again', () => {
  const held = create();
  for (const eu of [20, 22, 24, 26, 28]) record(held, network, latencies(eu, 70), 0);
  const own = held.own(network) ?? assert.fail();
  const again = create();
  again.restore(network, own, 100);
  assert.deepEqual(again.own(network), own);
});

test('memory is bounded: the oldest network gives way, and no IPv6 block takes all', () => {
  const held = create({ networks: 128 });
  record(held, network, latencies(1, 2), 0);
  for (let at = 0; at < 127; at++) record(held, key(30, 0, at, 1), latencies(1, 2), at);
  record(held, network, latencies(1, 2), 500);
  record(held, key(31, 0, 0, 1), latencies(1, 2), 600);
  assert.equal(held.size, 128);
  assert.ok(held.own(network) && !held.own(key(30, 0, 0, 1)), 'heard of again');
  const v6 = (block: number, at: number) =>
    key(0x20, 1, 0, block, 0, at, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
  const taken = Array.from({ length: 100 }, (_, at) =>
    record(held, v6(1, at), latencies(1, 2), 700),
  );
  assert.equal(taken.filter((isTaken) => isTaken).length, 64);
  assert.ok(record(held, v6(2, 0), latencies(1, 2), 700), 'another block');
  assert.ok(record(held, v6(1, 5), latencies(1, 2), 700), 'one that is known');
});
