import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  acknowledgementOf,
  changeTo,
  reportOf,
  tamperedStore,
} from '../../test/support/revisions.ts';
import type { Clock } from '../base/clock.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import type { Store } from '../store/store.ts';
import { nodesOf } from './change.ts';
import { RolloutController, rankOf } from './controller.ts';
import { headKey } from './head.ts';
import type { RevisionInfo, TrafficCount } from './revision.ts';
import { Revisions } from './revisions.ts';

const names = ['east.east', 'west.west'];
const open: RolloutController[] = [];
afterEach(() => {
  for (const controller of open.splice(0)) controller.close();
});

/** Revisions whose content is unpacked by another thread, in its own time: tests wait for that. */
class AwaitedRevisions extends Revisions {
  readonly #reads: Set<Promise<unknown>>;

  constructor(store: Store, clock: Clock, reads: Set<Promise<unknown>>) {
    super(store, clock);
    this.#reads = reads;
  }

  override read(info: RevisionInfo): Promise<unknown> {
    const read = super.read(info).finally(() => this.#reads.delete(read));
    this.#reads.add(read);
    return read;
  }
}

/** Two nodes that report every two seconds, with a controller each. */
class Nodes {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore(this.clock);
  readonly #reads = new Set<Promise<unknown>>();
  readonly revisions = this.revisionsOf(this.store);
  readonly actions: string[] = [];
  readonly running = new Map<string, RevisionInfo>();
  readonly traffic = new Map<string, Partial<TrafficCount>>();
  readonly silent = new Set<string>();
  info!: RevisionInfo;

  async begin(pauseMs = 10_000): Promise<void> {
    const first = await this.revisions.apply(changeTo('1', undefined));
    for (const name of names) this.running.set(name, first);
    await this.report();
    const bounds = { errorShare: 0.1, readyShare: 1 };
    const rollout = { waves: [['east'], ['west']], pauseMs, bounds };
    this.info = await this.revisions.apply(changeTo('2', first, { rollout }));
  }

  revisionsOf(store: Store): Revisions {
    return new AwaitedRevisions(store, this.clock, this.#reads);
  }

  /** Until all that does not wait for the clock is done. */
  async settle(): Promise<void> {
    do {
      await Promise.allSettled(this.#reads);
      for (let count = 0; count < 30; count++) await turn();
    } while (this.#reads.size > 0);
  }

  control(name: string, revisions = this.revisions): RolloutController {
    const [region = '', node = ''] = name.split('.');
    const controller = new RolloutController({
      revisions,
      region,
      node,
      clock: this.clock,
      onAction: ({ action }, { rollout }) =>
        this.actions.push(`${name} ${action} ${rollout?.reached} at ${this.clock.monotonicMs()}`),
    });
    open.push(controller);
    return controller;
  }

  async observe(...controllers: RolloutController[]): Promise<void> {
    const { head } = (await this.revisions.head())!;
    for (const controller of controllers) controller.observe(head);
    await this.settle();
  }

  async report(): Promise<void> {
    for (const name of names) {
      if (this.silent.has(name)) continue;
      const [region = ''] = name.split('.');
      const { sequence, hash } = this.running.get(name)!;
      const { storeRevision, silentForMs, ...report } = reportOf(region, sequence);
      const revision = { sequence, hash };
      const traffic = { ...report.traffic, ...this.traffic.get(name) };
      const reportedAt = new Date(this.clock.wallMs()).toISOString();
      const value = { ...report, revision, traffic, reportedAt, degraded: ['much more'] };
      await this.store.bucket('status').put(name, Buffer.from(JSON.stringify(value)));
    }
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) {
      if (passed % 2_000 === 0) await this.report();
      this.clock.advance(500);
      await this.settle();
    }
  }

  async rollout() {
    return (await this.revisions.head())!.head.rollout!;
  }

  /** The names by the order in which they act in a stage. */
  async ranked(reached: number): Promise<string[]> {
    const nodes = nodesOf(await this.revisions.read(this.info));
    const stage = `${this.info.sequence}/${this.info.content.nonce}/${reached}`;
    return names.toSorted((a, b) => rankOf(a, nodes, stage) - rankOf(b, nodes, stage));
  }
}

test('a rollout goes wave by wave to its end, and each step is taken once', async () => {
  const nodes = new Nodes();
  await nodes.begin();
  nodes.traffic.set('west.west', { requests: 100, failed: 100 });
  await nodes.observe(...names.map((name) => nodes.control(name)));
  nodes.running.set('east.east', nodes.info);
  await nodes.pass(9_500);
  assert.equal(nodes.actions.length, 0);
  await nodes.pass(1_500);
  assert.equal((await nodes.rollout()).reached, 2);
  const { baseline } = await nodes.rollout();
  assert.equal(baseline['west.west']?.failed, 100, 'failures of before do not count');
  nodes.running.set('west.west', nodes.info);
  await nodes.pass(12_000);
  assert.equal((await nodes.rollout()).state, 'done');
  const [first] = await nodes.ranked(1);
  const [second] = await nodes.ranked(2);
  assert.deepEqual(
    nodes.actions.map((action) => action.replace(/ at .*/, '')),
    [`${first} advance 1`, `${second} finish 2`],
  );
});

test('the next one acts a second later where the first is gone', async () => {
  const nodes = new Nodes();
  await nodes.begin();
  const [, second] = await nodes.ranked(1);
  await nodes.observe(nodes.control(second!));
  nodes.running.set('east.east', nodes.info);
  await nodes.pass(13_000);
  assert.equal(nodes.actions.length, 1);
  const [, atMs] = /^\S+ advance 1 at (\d+)$/.exec(nodes.actions[0]!)!;
  assert.ok(Number(atMs) >= 11_000, `acted at ${atMs}`);
});

test('a refusal rolls back at once, and every node sees where it stands', async () => {
  const nodes = new Nodes();
  await nodes.begin();
  await nodes.observe(...names.map((name) => nodes.control(name)));
  const refused = { sequence: 2, hash: nodes.info.hash, code: 'x', reason: 'port 80 is taken' };
  await nodes.revisions.acknowledge(acknowledgementOf('east', 1, { refused }));
  await nodes.pass(2_000);
  const { state, reason, reached } = await nodes.rollout();
  assert.deepEqual(
    [state, reason, reached],
    ['rolledBack', 'east cannot build it: port 80 is taken', 1],
  );
  assert.equal(nodes.actions.length, 1);
});

test('errors since the wave began roll back, those of before do not', async () => {
  const nodes = new Nodes();
  nodes.traffic.set('east.east', { requests: 1_000, failed: 900 });
  await nodes.begin();
  await nodes.observe(...names.map((name) => nodes.control(name)));
  nodes.running.set('east.east', nodes.info);
  await nodes.pass(4_000);
  assert.equal((await nodes.rollout()).state, 'running');
  nodes.traffic.set('east.east', { requests: 1_030, failed: 905 });
  await nodes.pass(4_000);
  assert.match((await nodes.rollout()).reason, /5 of 30 answers of wave 1 were errors/);
  assert.equal((await nodes.rollout()).state, 'rolledBack');
});

test('a node that falls silent breaks its wave after a while, not at once', async () => {
  const nodes = new Nodes();
  await nodes.begin(60_000);
  await nodes.observe(...names.map((name) => nodes.control(name)));
  nodes.running.set('east.east', nodes.info);
  await nodes.pass(4_000);
  nodes.silent.add('east.east');
  await nodes.pass(10_000);
  assert.equal((await nodes.rollout()).state, 'running');
  await nodes.pass(6_000);
  assert.match((await nodes.rollout()).reason, /only 0 of 1 nodes of wave 1 are ready/);
});

test('clocks of other nodes that are far off decide nothing', async () => {
  const nodes = new Nodes();
  await nodes.begin();
  const controllers = names.map((name) => nodes.control(name));
  nodes.running.set('east.east', nodes.info);
  await nodes.report();
  nodes.clock.jumpWall(3_600_000); // What was reported seems to be an hour old.
  await nodes.observe(...controllers);
  await nodes.pass(4_000);
  nodes.clock.jumpWall(-7_200_000);
  await nodes.pass(5_000);
  assert.deepEqual(nodes.actions, []);
  await nodes.pass(4_000);
  assert.equal((await nodes.rollout()).reached, 2);
});

test('it looks only while a rollout runs, and not after close', async () => {
  const nodes = new Nodes();
  let reads = 0;
  const store = tamperedStore(nodes.store, {
    get(key, call) {
      if (key === headKey) reads++;
      return call();
    },
  });
  await nodes.begin();
  const controller = nodes.control('east.east', nodes.revisionsOf(store));
  await nodes.pass(5_000);
  assert.equal(reads, 0);
  await nodes.observe(controller);
  await nodes.pass(2_000);
  assert.ok(reads > 0);
  await nodes.revisions.moveRollout((await nodes.revisions.head())!, 'finish', 'x', []);
  await nodes.observe(controller);
  await nodes.pass(2_000);
  const atEnd = reads;
  await nodes.pass(5_000);
  assert.equal(reads, atEnd);
  const base = nodes.info;
  const rollout = {
    waves: [['east', 'west']],
    pauseMs: 0,
    bounds: { errorShare: 0, readyShare: 1 },
  };
  await nodes.revisions.apply(changeTo('3', base, { rollout }));
  await nodes.observe(controller);
  assert.ok(reads > atEnd, 'it looks at the next one');
  controller.close();
  const atClose = reads;
  await nodes.pass(5_000);
  assert.equal(reads, atClose);
});

test('a replica that lags behind the head that is followed is looked at again', async () => {
  const nodes = new Nodes();
  const before = async () => (await nodes.store.bucket('config').get(headKey))!;
  let old: Awaited<ReturnType<typeof before>> | undefined;
  const store = tamperedStore(nodes.store, {
    get: async (key, call) => (key === headKey && old ? old : await call()),
  });
  await nodes.begin();
  const lagging = (await nodes.revisions.head())!;
  await nodes.revisions.moveRollout(lagging, 'finish', 'x', []);
  old = await before();
  const base = nodes.info;
  const bounds = { errorShare: 0, readyShare: 1 };
  const rollout = { waves: [['east', 'west']], pauseMs: 0, bounds };
  const third = await nodes.revisions.apply(changeTo('3', base, { rollout }));
  await nodes.observe(nodes.control('east.east', nodes.revisionsOf(store)));
  for (const name of names) nodes.running.set(name, third);
  await nodes.pass(2_000);
  assert.equal((await nodes.rollout()).state, 'running');
  old = undefined;
  await nodes.pass(4_000);
  assert.equal((await nodes.rollout()).state, 'done');
});

test('a rollout whose content cannot be read is waited for, and told', async () => {
  const nodes = new Nodes();
  await nodes.begin();
  const { nonce } = nodes.info.content;
  const part = nodes.store.bucket('config');
  const { value } = (await part.get(`part.${nonce}.0`))!;
  await part.delete(`part.${nonce}.0`);
  const controller = nodes.control('east.east');
  await nodes.observe(controller);
  assert.match(controller.trouble ?? '', /the rollout cannot be looked at: .* parts are missing/);
  await part.put(`part.${nonce}.0`, value);
  await nodes.pass(1_000);
  assert.equal(controller.trouble, undefined);
  assert.equal((await nodes.rollout()).state, 'running');
});

test('nodes have an order for each stage, that all know', () => {
  const nodes = new Map([
    ['east', ['a', 'b', 'c']],
    ['west', ['a', 'b']],
  ]);
  const keys = ['east.a', 'east.b', 'east.c', 'west.a', 'west.b'];
  const firsts = new Set<string>();
  for (let stage = 0; stage < 100; stage++) {
    const ranks = keys.map((key) => rankOf(key, nodes, `${stage}`));
    assert.deepEqual(ranks.toSorted(), [0, 1, 2, 3, 4]);
    firsts.add(keys[ranks.indexOf(0)]!);
  }
  assert.equal(firsts.size, 5, 'the work is spread');
  assert.equal(rankOf('north.n', nodes, '1'), 5);
});
