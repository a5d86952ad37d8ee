import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { configSchema } from '../../src/config/schema/config.ts';
import { namedCheckSchema } from '../../src/config/schema/named-check.ts';
import { formatDuration } from '../../src/config/schema/units.ts';
import { decideDerived } from '../../src/health/derived.ts';
import { Hysteresis } from '../../src/health/hysteresis.ts';
import { decideByQuorum } from '../../src/health/quorum.ts';
import type { StateName } from '../../src/health/table.ts';
import { allScenarios } from '../simulation/run-scenario.ts';
import { tableUnder } from './markdown.ts';

const page = 'docs/guides/health-checks.md';
const text = readFileSync(join(import.meta.dirname, '../..', page), 'utf8');
const plain = (cell: string) => cell.replaceAll('`', '');
const { health } = configSchema.parse({
  regions: { a: { address: '192.0.2.1', location: { latitude: 0, longitude: 0 } } },
});

test('the types of checks are those that there are, with fields that they have', () => {
  const schemas = new Map(
    namedCheckSchema.options.map((option) => [option.shape.type.value, option.shape]),
  );
  const { rows } = tableUnder(page, '`type`');
  assert.deepEqual(rows.map(([type]) => plain(type!)).sort(), [...schemas.keys()].sort());
  for (const [type, , fields] of rows) {
    for (const [, field] of fields!.matchAll(/`(\w+)`/g)) {
      assert.ok(Object.hasOwn(schemas.get(plain(type!) as 'tcp')!, field!), `${type} ${field}`);
    }
  }
});

test('the defaults are those of the schema', () => {
  const { rows } = tableUnder(page, 'field');
  const known = Object.entries(health).map(([field, value]) => [
    field,
    /^interval|timeout$/i.test(field) ? formatDuration(Number(value)) : `${value}`,
  ]);
  const defaults = rows.map(([field, value]) => [plain(field!), value!]);
  const [absent] = defaults.filter(([, value]) => value === 'none');
  assert.deepEqual(absent, ['firstByteTimeout', 'none']);
  assert.deepEqual(new Map(defaults.filter((row) => row !== absent) as []), new Map(known as []));
});

test('the verdicts are those of the probes', () => {
  for (const [probes, verdict] of tableUnder(page, 'probes').rows) {
    const hysteresis = new Hysteresis(health);
    for (const one of plain(probes!)) hysteresis.record(one === '+');
    assert.equal(hysteresis.verdict ?? '–', verdict, probes);
  }
});

test('the quorum decides as the table says', () => {
  const { rows } = tableUnder(page, 'configured');
  assert.ok(rows.length >= 8);
  for (const [configured, up, down, own, before, state] of rows) {
    const names = (count = '0') => Array.from({ length: Number(count) }, (_, n) => `v${n}`);
    const decision = decideByQuorum({
      configured: Number(configured),
      ...{ up: names(up), down: names(down), restoredAgeMs: undefined },
      own: own === '–' ? undefined : (own as 'up' | 'down'),
      current: before as StateName,
    });
    assert.equal(decision.state, state, `${configured} ${up} ${down} ${own} ${before}`);
  }
});

test('computed checks are what their sources make of them', () => {
  for (const [check, first, second, state] of tableUnder(page, 'check').rows) {
    const sources = [first, second].map((of) => ({ name: 'db', state: of as StateName }));
    const some = decideDerived({ kind: 'calculated', of: ['db', 'db'], atLeast: 1 }, sources);
    const source = { name: 'some-db', state: some.state };
    const no = decideDerived({ kind: 'inverted', of: ['some-db'] }, [source]);
    assert.equal(
      (plain(check!) === 'some-db' ? some : no).state,
      state,
      `${check} ${first} ${second}`,
    );
  }
});

/** What holds each row: a scenario of the simulation, by what its name begins with. */
const simulated: Readonly<Record<string, string>> = {
  'a region vanishes from the network': 'black hole of a region',
  'a region is killed': 'a region killed',
  'a gateway that only its own region reaches': 'a gateway that only its own region reaches',
  'a service dies in one region': 'a service dies in one region',
  'a cut through the middle': 'a cut through the middle',
  'one vantage dark': 'one vantage dark',
  'one vantage with 20 % loss': 'one vantage with 20 % loss',
  'an observer that is paused for 5 s': 'an observer paused for up to 5 s',
  'a wall clock that is 10 minutes off': 'a wall clock jumps by up to 10 minutes',
  restarts: 'restarts, in any order',
  'a restart with an empty disk': 'a restart with an empty disk',
};

test('what changes a state, and what does not, is simulated', () => {
  const rows = tableUnder(page, 'what happens').rows.map(([what]) => what);
  assert.deepEqual(rows, Object.keys(simulated));
  for (const name of Object.values(simulated)) {
    assert.ok(
      allScenarios.some((scenario) => scenario.name.startsWith(name)),
      name,
    );
  }
});

test('a reason is written as it is shown', () => {
  const { reason } = decideByQuorum({
    ...{ configured: 3, up: ['us-west-1'], down: ['eu-west-1', 'witness-1'] },
    ...{ own: 'down', current: 'healthy', restoredAgeMs: undefined },
  });
  assert.ok(text.includes(`${reason} (192.0.2.2:8080: no connection within 500 ms)`), reason);
});
