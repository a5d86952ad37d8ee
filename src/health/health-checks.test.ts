import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { configSchema } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import { Health } from './health.ts';
import { HealthTable, healthy, stateNames, unhealthy } from './table.ts';

const closing: Health[] = [];
after(() => {
  for (const health of closing) health.close();
});

const location = { latitude: 0, longitude: 0 };
const web = { type: 'tcp', host: '10.0.0.8', port: 80 };

function inputOf(checks: object) {
  const config = configSchema.parse({ regions: { a: { address: '10.0.0.1', location } }, checks });
  const topology = compileTopology(config);
  return { config, topology, table: new HealthTable(topology) };
}

/** A node alone; probes of hosts in `down` fail. */
function nodeWith(checks: object) {
  const clock = new ManualClock();
  const down = new Set<string>();
  const running = new Set<string>();
  const input = inputOf(checks);
  const health = new Health({
    ...input,
    region: 'a',
    node: 'a',
    clock,
    random: () => 0.5,
    probe: ({ host }, done) => {
      running.add(host);
      const timer = clock.after(10, () => done(!down.has(host), down.has(host) ? 'out' : 'fine'));
      return () => {
        running.delete(host);
        timer.cancel();
      };
    },
    openSender: () => assert.fail('nobody to send to'),
  });
  closing.push(health);
  health.start();
  /** In turns as short as those of a node, which else takes itself for one that stood still. */
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) clock.advance(100);
  };
  const states = (table: HealthTable, topology = input.topology) =>
    topology.checks.map(({ name, index }) => `${name} ${stateNames[table.check(index)]}`);
  return { health, input, clock, down, running, pass, states };
}

test('states of checks stand in the table, with reasons in the report', () => {
  const { health, input, down, pass, states } = nodeWith({
    web,
    not: { type: 'inverted', of: 'web' },
  });
  pass(4_000);
  assert.deepEqual(states(input.table), ['web healthy', 'not unhealthy']);
  down.add('10.0.0.8');
  pass(4_000);
  assert.deepEqual(states(input.table), ['web unhealthy', 'not healthy']);
  const [first, second] = health.states().checks;
  assert.equal(first?.reason, '1 of 1 vantages heard say down: a (10.0.0.8:80: out)');
  assert.deepEqual([first?.flaps, first?.probed, second?.probed], [1, true, false]);
  assert.equal(second?.reason, 'the inverse of web, which is unhealthy');
  const { health: next, input: again } = nodeWith({ web });
  assert.equal(next.states().checks[0]?.state, 'unknown');
  assert.equal(again.table.check(0), 0);
});

test('a check that is gone is probed no more; another takes its place in the table', () => {
  const { health, down, running, pass, states } = nodeWith({ web, db: { ...web, port: 81 } });
  down.add('10.0.0.8');
  pass(4_000);
  const next = inputOf({ other: { ...web, host: '10.0.0.9' }, db: { ...web, port: 81 } });
  health.update(next);
  assert.deepEqual(states(next.table, next.topology), ['other unknown', 'db unhealthy']);
  const moved = inputOf({ db: { ...web, host: '10.0.0.7', port: 81 } });
  health.update(moved);
  assert.deepEqual(states(moved.table, moved.topology), ['db unknown']);
  running.clear();
  pass(5_000);
  assert.deepEqual([...running].sort(), ['10.0.0.1', '10.0.0.7']);
  assert.equal(moved.table.check(0), healthy);
});

test('a restart holds the state of a check until there is evidence', () => {
  const { health, down, pass, input } = nodeWith({ web });
  down.add('10.0.0.8');
  pass(4_000);
  const table = new HealthTable(input.topology);
  const next = new Health({
    ...{ ...input, table, region: 'a', node: 'a', clock: new ManualClock(), random: () => 0.5 },
    probe: () => () => undefined,
    openSender: () => assert.fail('nobody to send to'),
    restored: { state: JSON.parse(JSON.stringify(health.exportState())), ageMs: 1_000 },
  });
  closing.push(next);
  assert.equal(table.check(0), unhealthy);
});
