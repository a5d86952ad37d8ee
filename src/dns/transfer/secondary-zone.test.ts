import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { ManualClock } from '../../base/manual-clock.ts';
import { parseName } from '../wire/name.ts';
import type { PrimaryAnswer } from './ask-primary.ts';
import { refreshDelayMs, retryDelayMs, secondaryTimes } from './secondary-schedule.ts';
import { type KeptZone, SecondaryZone } from './secondary-zone.ts';
import type { ZoneImage } from './zone-image.ts';

const second = 1_000;
const soa = { serial: 1, refresh: 100, retry: 20, expire: 500, minimum: 5 };
const imageOf = (serial: number, times: object = {}): ZoneImage => ({
  bytes: new Uint8Array(1),
  records: 2,
  soa: { ...soa, ...times, serial },
});
const primaries = ['10.0.0.1', '10.0.0.2'].map((address) => ({ address, port: 53 }));

/** A zone whose primaries answer as they are told, and a clock that stands still. */
function zoneOf(options: { kept?: (wallMs: number) => KeptZone; random?: number } = {}) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const events: string[] = [];
  const kept: [serial: number, isNew: boolean][] = [];
  const answers = new Map<string, () => Promise<PrimaryAnswer>>();
  const zone = new SecondaryZone(
    { name: 'a.test', apex: parseName('a.test'), primaries, key: undefined, isSignedHere: false },
    {
      clock,
      random: () => options.random ?? 0,
      ask: async (_settings, { address }, serial) => {
        asked.push(`${address} ${serial ?? '-'}`);
        return answers.get(address)!();
      },
      keep: (_name, { image }, isNew) => void kept.push([image.soa.serial, isNew]),
      changed: (_zone, why) => void events.push(why),
      troubled: (_zone, problem) => void events.push(problem),
    },
    options.kept?.(clock.wallMs()),
  );
  const answer = (address: string, what: PrimaryAnswer | Error) =>
    answers.set(address, async () => {
      if (what instanceof Error) throw what;
      return what;
    });
  for (const { address } of primaries) answer(address, new Error(`${address} is silent`));
  return {
    ...{ zone, clock, asked, events, kept, answers, answer },
    /** Everybody answers the same. */
    all: (what: PrimaryAnswer | Error) => primaries.map(({ address }) => answer(address, what)),
    async pass(ms: number) {
      clock.advance(ms);
      await turn();
    },
    taken: () => asked.splice(0),
  };
}

const newer = (serial: number, times?: object): PrimaryAnswer => ({
  kind: 'newer',
  image: imageOf(serial, times),
});

test('it is asked for at the start, each refresh time, and each retry time where that fails', async () => {
  const { zone, all, pass, taken, events } = zoneOf();
  all(newer(1));
  zone.start();
  await pass(0);
  assert.deepEqual([taken(), zone.state, events], [['10.0.0.1 -'], 'current', ['transferred']]);
  all({ kind: 'same' });
  await pass(99 * second);
  assert.deepEqual(taken(), []);
  await pass(second);
  assert.deepEqual([taken(), zone.state], [['10.0.0.1 1'], 'current']);
  all(new Error('silent'));
  await pass(100 * second);
  assert.deepEqual([taken(), zone.state], [['10.0.0.1 1', '10.0.0.2 1'], 'stale']);
  await pass(20 * second);
  assert.equal(taken().length, 2);
  all(newer(2));
  await pass(20 * second);
  assert.deepEqual([taken(), zone.state], [['10.0.0.1 1'], 'current']);
  assert.deepEqual(events, ['transferred', 'silent; silent', 'transferred']);
});

test('it expires when nobody has confirmed it in time, and comes back with any serial', async () => {
  const { zone, all, pass, events } = zoneOf();
  all(newer(7));
  zone.start();
  await pass(0);
  all(new Error('silent'));
  await pass(500 * second - 1);
  assert.equal(zone.state, 'stale');
  assert.equal(typeof zone.served, 'object');
  await pass(1);
  assert.deepEqual([zone.state, zone.served], ['expired', 'expired']);
  assert.deepEqual(events, ['transferred', 'silent; silent', 'expired']);
  all(newer(3));
  await pass(700 * second);
  assert.deepEqual([zone.state, zone.status().serial], ['current', 3]);
});

test('it does not expire while somebody says that it is the newest', async () => {
  const { zone, all, pass } = zoneOf();
  all(newer(1));
  zone.start();
  await pass(0);
  all({ kind: 'same' });
  for (let times = 0; times < 20; times++) await pass(100 * second);
  assert.equal(zone.state, 'current');
});

test('an answer that comes after the zone has expired does not bring it back', async () => {
  const { zone, all, answers, pass } = zoneOf();
  all(newer(1));
  zone.start();
  await pass(0);
  const late = Promise.withResolvers<PrimaryAnswer>();
  all(new Error('silent'));
  answers.set('10.0.0.1', () => late.promise);
  await pass(100 * second);
  await pass(400 * second);
  assert.equal(zone.state, 'expired');
  late.resolve({ kind: 'same' });
  await pass(0);
  assert.equal(zone.state, 'expired');
  assert.match(zone.status().problem ?? '', /^the zone expired while it was asked for/);
});

test('the next primary is asked where one fails or is behind', async () => {
  const { zone, answer, pass, taken } = zoneOf();
  answer('10.0.0.2', newer(5));
  zone.start();
  await pass(0);
  assert.deepEqual(taken(), ['10.0.0.1 -', '10.0.0.2 -']);
  answer('10.0.0.1', { kind: 'older', serial: 4 });
  answer('10.0.0.2', { kind: 'same' });
  await pass(100 * second);
  assert.deepEqual([taken(), zone.state], [['10.0.0.1 5', '10.0.0.2 5'], 'current']);
  answer('10.0.0.2', new Error('10.0.0.2 is silent'));
  await pass(100 * second);
  assert.equal(zone.state, 'stale');
  const said = '10.0.0.1 has an older serial, 4; 10.0.0.2 is silent';
  assert.equal(zone.status().problem, said);
});

test('who tells of a change is asked first and at once, but once a second at most', async () => {
  const { zone, all, answers, pass, taken } = zoneOf();
  all(newer(1));
  zone.start();
  await pass(0);
  taken();
  all({ kind: 'same' });
  await pass(5 * second);
  zone.notified('10.0.0.2');
  await pass(0);
  assert.deepEqual(taken(), ['10.0.0.2 1']);
  for (let times = 0; times < 50; times++) zone.notified('10.0.0.2');
  await pass(999);
  assert.deepEqual(taken(), []);
  await pass(1);
  assert.deepEqual(taken(), ['10.0.0.2 1']);
  // What is told of while it is asked for may be newer than the answer: asked again.
  const slow = Promise.withResolvers<PrimaryAnswer>();
  answers.set('10.0.0.1', () => slow.promise);
  await pass(100 * second);
  assert.deepEqual(taken(), ['10.0.0.1 1']);
  zone.notified('10.0.0.2');
  await pass(10 * second);
  assert.deepEqual(taken(), []);
  slow.resolve({ kind: 'same' });
  await pass(0);
  await pass(0);
  assert.deepEqual(taken(), ['10.0.0.2 1']);
});

test('after a restart it is as old as it was', async () => {
  const keptFor = (agoMs: number) => (wallMs: number) => ({
    image: imageOf(9),
    confirmedAtMs: wallMs - agoMs,
  });
  const young = zoneOf({ kept: keptFor(499 * second) });
  assert.equal(young.zone.state, 'current');
  young.zone.start();
  await young.pass(second);
  assert.equal(young.zone.state, 'expired');
  assert.equal(zoneOf({ kept: keptFor(500 * second) }).zone.state, 'expired');
  // A clock that was wrong then, or is wrong now, does not make it last for ever.
  const ahead = zoneOf({ kept: keptFor(-1e9) });
  ahead.zone.start();
  await ahead.pass(500 * second);
  assert.equal(ahead.zone.state, 'expired');
});

test('the wall clock decides nothing while it runs', async () => {
  const { zone, all, pass, clock } = zoneOf();
  all(newer(1));
  zone.start();
  await pass(0);
  all(new Error('silent'));
  clock.jumpWall(1e10);
  await pass(499 * second);
  assert.equal(zone.state, 'stale');
  clock.jumpWall(-2e10);
  await pass(second);
  assert.equal(zone.state, 'expired');
});

test('other primaries are asked at once, also when the ones before are just being asked', async () => {
  const { zone, all, answers, pass, taken } = zoneOf();
  all(newer(1));
  zone.start();
  await pass(0);
  const settings = { name: 'a.test', apex: parseName('a.test'), key: undefined };
  const only = (address: string) => ({
    ...{ ...settings, isSignedHere: false, primaries: [{ address, port: 53 }] },
  });
  taken();
  all({ kind: 'same' });
  zone.update(only('10.0.0.2'));
  await pass(0);
  assert.deepEqual(taken(), ['10.0.0.2 1']);
  const slow = Promise.withResolvers<PrimaryAnswer>();
  answers.set('10.0.0.2', () => slow.promise);
  await pass(100 * second);
  zone.update(only('10.0.0.1'));
  slow.resolve({ kind: 'same' });
  await pass(0);
  await pass(second);
  assert.deepEqual(taken(), ['10.0.0.2 1', '10.0.0.1 1']);
});

test('who is no primary any more is not believed, nor who follows it asked', async () => {
  const { zone, all, answer, answers, pass, taken, kept, events } = zoneOf();
  all(newer(1));
  zone.start();
  await pass(0);
  const base = { name: 'a.test', apex: parseName('a.test'), key: undefined, isSignedHere: false };
  for (const outcome of ['newer', 'error'] as const) {
    zone.update({ ...base, primaries });
    await pass(0);
    taken();
    const slow = Promise.withResolvers<PrimaryAnswer>();
    answers.set('10.0.0.1', () => slow.promise);
    await pass(100 * second);
    zone.update({ ...base, primaries: [{ address: '10.0.0.3', port: 53 }] });
    answer('10.0.0.3', { kind: 'same' });
    if (outcome === 'newer') slow.resolve(newer(9));
    else slow.reject(new Error('silent'));
    await pass(0);
    await pass(0);
    assert.deepEqual(taken(), ['10.0.0.1 1', '10.0.0.3 1']);
    assert.equal(zone.status().serial, 1);
    assert.equal(zone.status().primary, '10.0.0.3');
    answer('10.0.0.1', { kind: 'same' });
  }
  assert.ok(kept.every(([serial]) => serial === 1));
  assert.deepEqual(events, ['transferred']);
});

test('closed, it asks nobody', async () => {
  const { zone, pass, taken } = zoneOf();
  zone.start();
  zone.close();
  await pass(1e9);
  assert.deepEqual(taken(), []);
});

const uint32 = () => fc.nat(0xffff_ffff);

test('whatever an SOA says, a primary is asked neither all the time nor never', () => {
  const soas = fc.record({
    serial: uint32(),
    refresh: uint32(),
    retry: uint32(),
    expire: uint32(),
  });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(soas, random, fc.integer({ min: 1, max: 1_000 }), (numbers, chance, failures) => {
      const times = secondaryTimes({ ...numbers, minimum: 0 });
      const refresh = refreshDelayMs(times, chance);
      const retry = retryDelayMs(times, failures, chance);
      assert.ok(refresh >= 3_750 && refresh <= 28 * 86_400_000);
      assert.ok(retry >= 3_750 && retry <= 14 * 86_400_000);
      assert.ok(times.expireMs >= times.refreshMs + times.retryMs);
      assert.ok(times.expireMs <= 365 * 86_400_000);
      const first = retryDelayMs(undefined, failures, chance);
      assert.ok(first >= 1_500 && first <= 600_000);
    }),
  );
});
