import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '../../base/manual-clock.ts';
import { parseName } from '../wire/name.ts';
import { a } from '../wire/records/a.ts';
import { rdataBytes } from '../wire/records/record-type.ts';
import type { OutsideAnswer } from './outside-answer.ts';
import { OutsideNames } from './outside-names.ts';

const root = parseName('.');
const target = parseName('www.example.net');
const times = { minimumTtlMs: 5_000, maximumTtlMs: 3_600_000, staleMs: 60_000 };

/** Resolvers by name; what each says is changed by tests. */
function createWorld() {
  const clock = new ManualClock();
  const answers = new Map<string, OutsideAnswer | 'silent' | 'never'>();
  const asked: string[] = [];
  let underWay = 0;
  let mostUnderWay = 0;
  const names = new OutsideNames(
    clock,
    async (resolver, name, type) => {
      asked.push(`${resolver} ${name} ${type}`);
      mostUnderWay = Math.max(mostUnderWay, ++underWay);
      await setImmediate();
      const answer = answers.get(resolver) ?? 'silent';
      if (answer === 'never') await new Promise(() => undefined);
      underWay--;
      if (answer === 'silent' || answer === 'never') throw new Error('no answer');
      return type === 1 ? answer : { records: [], ttlSeconds: answer.ttlSeconds };
    },
    () => 0,
  );
  return {
    clock,
    answers,
    asked,
    names,
    mostUnderWay: () => mostUnderWay,
    use: (resolvers = ['one'], targets = [target]) => names.use({ targets, times, resolvers }),
    find(type = 1) {
      const found = names.find(target.key, type);
      if (!found) return 'unknown';
      const data = found.records.map((record) => rdataBytes(record).join('.'));
      return [found.isStale ? 'stale' : 'fresh', found.ttlSeconds, ...data].join(' ');
    },
    /** Lets what was asked be answered. */
    async settle() {
      for (let turn = 0; turn < 10; turn++) await setImmediate();
    },
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 1_000) {
        clock.advance(Math.min(1_000, left));
        await this.settle();
      }
    },
  };
}

const addresses = (ttlSeconds: number, ...texts: string[]): OutsideAnswer => ({
  records: texts.map((text) => a.parse(text, root)),
  ttlSeconds,
});

test('addresses are known when the resolver has answered, and asked for ahead of their end', async () => {
  const world = createWorld();
  world.answers.set('one', addresses(100, '192.0.2.1'));
  assert.equal(world.find(), 'unknown');
  world.use();
  assert.equal(world.find(), 'unknown');
  await world.settle();
  assert.equal(world.find(), 'fresh 100 192.0.2.1');
  assert.equal(world.find(28), 'fresh 100');
  assert.deepEqual(world.asked, ['one www.example.net 1', 'one www.example.net 28']);
  world.answers.set('one', addresses(100, '192.0.2.2'));
  await world.pass(74_000);
  assert.equal(world.asked.length, 2);
  assert.equal(world.find(), 'fresh 100 192.0.2.1');
  await world.pass(2_000);
  assert.equal(world.asked.length, 4);
  assert.equal(world.find(), 'fresh 100 192.0.2.2');
});

test('when no resolver answers they go on stale, for as long as is allowed, and come back', async () => {
  const world = createWorld();
  world.answers.set('one', addresses(100, '192.0.2.1'));
  world.use();
  await world.settle();
  world.answers.delete('one');
  await world.pass(99_000);
  assert.equal(world.find(), 'fresh 100 192.0.2.1');
  await world.pass(2_000);
  assert.equal(world.find(), 'stale 30 192.0.2.1');
  await world.pass(58_000);
  assert.equal(world.find(), 'stale 30 192.0.2.1');
  await world.pass(2_000);
  assert.equal(world.find(), 'unknown');
  const tries = world.asked.length / 2;
  assert.ok(tries >= 4 && tries <= 8, `asked ${tries} times`);
  world.answers.set('one', addresses(100, '192.0.2.3'));
  await world.pass(30_000);
  assert.equal(world.find(), 'fresh 100 192.0.2.3');
});

test('a stale answer has no longer TTL than it had', async () => {
  const world = createWorld();
  world.answers.set('one', addresses(1, '192.0.2.1'));
  world.use();
  await world.settle();
  assert.equal(world.find(), 'fresh 5 192.0.2.1', 'the minimum');
  world.answers.delete('one');
  await world.pass(6_000);
  assert.equal(world.find(), 'stale 5 192.0.2.1');
});

test('the next resolver is asked when one does not answer, and first from then on', async () => {
  const world = createWorld();
  world.answers.set('two', addresses(10, '192.0.2.1'));
  world.use(['one', 'two']);
  await world.settle();
  assert.equal(world.find(), 'fresh 10 192.0.2.1');
  world.asked.length = 0;
  await world.pass(8_000);
  assert.deepEqual(world.asked, ['two www.example.net 1', 'two www.example.net 28']);
});

test('what stays is kept by another configuration, what is needed no more is forgotten', async () => {
  const world = createWorld();
  world.answers.set('one', addresses(100, '192.0.2.1'));
  world.use();
  await world.settle();
  const other = parseName('other.example');
  world.names.expect({ targets: [other], times, resolvers: ['one'] });
  await world.settle();
  assert.equal(world.find(), 'fresh 100 192.0.2.1');
  assert.ok(world.names.find(other.key, 1));
  const before = world.asked.length;
  world.use();
  await world.settle();
  assert.equal(world.find(), 'fresh 100 192.0.2.1');
  assert.equal(world.names.find(other.key, 1), undefined);
  assert.equal(world.asked.length, before);
  world.use(['one'], []);
  await world.pass(200_000);
  assert.deepEqual([world.find(), world.asked.length], ['unknown', before]);
});

test('with a shorter maximum of the TTL it is asked anew in time, and failures keep their pace', async () => {
  const world = createWorld();
  world.answers.set('one', addresses(3_600, '192.0.2.1'));
  world.use();
  await world.settle();
  const shorter = { ...times, maximumTtlMs: 100_000 };
  const lower = () => world.names.use({ targets: [target], times: shorter, resolvers: ['one'] });
  lower();
  assert.equal(world.find(), 'fresh 100 192.0.2.1');
  await world.pass(74_000);
  assert.equal(world.asked.length, 2);
  world.answers.delete('one');
  await world.pass(1_000);
  assert.equal(world.asked.length, 4);
  lower();
  await world.settle();
  assert.equal(world.asked.length, 4, 'not at once after a failure');
});

test('so many are asked for at once, and none twice at a time', async () => {
  const world = createWorld();
  const targets = Array.from({ length: 200 }, (_, at) => parseName(`n${at}.example`));
  world.answers.set('one', addresses(100, '192.0.2.1'));
  world.use(['one'], targets);
  for (let turn = 0; turn < 60; turn++) await world.settle();
  assert.equal(world.mostUnderWay(), 32);
  assert.equal(new Set(world.asked).size, world.asked.length);
  assert.equal(world.asked.length, 400);
  const hanging = createWorld();
  hanging.answers.set('one', 'never');
  hanging.use();
  await hanging.pass(100_000);
  hanging.use();
  await hanging.pass(100_000);
  assert.equal(hanging.asked.length, 2);
  hanging.names.close();
});

test('the same addresses stay the same objects, by which signatures are found', async () => {
  const world = createWorld();
  world.answers.set('one', addresses(10, '192.0.2.1'));
  world.use();
  await world.settle();
  const [first] = world.names.find(target.key, 1)!.records;
  world.answers.set('one', addresses(10, '192.0.2.1'));
  await world.pass(20_000);
  assert.equal(world.names.find(target.key, 1)!.records[0], first);
});

test('what is known of each name, how often no resolver told anything, and why', async () => {
  const world = createWorld();
  const status = () => world.names.status()[0];
  assert.deepEqual(world.names.status(), []);
  world.use(['one', 'two']);
  const base = { target: 'www.example.net', addresses: 0, problem: undefined };
  assert.deepEqual(status(), { ...base, state: 'unknown', failures: 0 });
  await world.settle();
  const problem = 'no answer; no answer';
  assert.deepEqual(status(), { ...base, state: 'unknown', failures: 2, problem });
  world.answers.set('one', addresses(100, '192.0.2.1', '192.0.2.2'));
  await world.pass(1_000);
  assert.deepEqual(status(), { ...base, state: 'known', addresses: 2, failures: 2 });
  world.answers.delete('one');
  await world.pass(100_000);
  assert.deepEqual([status()?.state, status()?.problem], ['stale', problem]);
  assert.ok(status()!.failures > 4);
  world.answers.set('two', addresses(100));
  await world.pass(30_000);
  assert.deepEqual([status()?.state, status()?.problem], ['absent', undefined]);
  world.use([]);
  await world.pass(100_000);
  assert.equal(status()?.problem, 'there is no resolver');
  world.use(['one'], []);
  assert.deepEqual(world.names.status(), []);
});
