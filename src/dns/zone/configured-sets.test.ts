import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unhealthy } from '../../health/table.ts';
import { choose } from '../../steering/choose.ts';
import { createSteeringContext } from '../../steering/context.ts';
import { createExchange } from '../testdata/exchange.ts';
import { parseName } from '../wire/name.ts';
import { rdataBytes } from '../wire/records/record-type.ts';
import { formatRdata, typeCode } from '../wire/records/registry.ts';
import { compileZones } from './compile.ts';
import { resolve } from './resolve.ts';
import { allRecords } from './zone.ts';

type Records = NonNullable<NonNullable<Parameters<typeof createExchange>[0]>[string]['records']>;

/** Asks a zone `tree.test` of these records; by name, for a client without a network. */
function serve(records: Records) {
  const { options, states } = createExchange({ 'tree.test': { records } });
  const zones = compileZones(options.config, options.topology, 1);
  const context = createSteeringContext(options);
  const stepOf = (name: string, type: string) => {
    const key = parseName(name, parseName('tree.test')).key;
    const { steps } = resolve(zones, key, typeCode(type)!, (set) =>
      choose(set, undefined, context, 0),
    );
    return steps[0];
  };
  const ask = (name: string, type: string) => {
    const step = stepOf(name, type);
    return step?.records.map((data) => {
      const bytes = rdataBytes(data);
      return formatRdata(step.set.type, bytes, 0, bytes.length);
    });
  };
  return { states, ask, stepOf };
}

const role = { first: 'primary', second: 'secondary' } as const;

test('answers come from the record sets that they lead to, of any type and in any order', () => {
  const { ask, states, stepOf } = serve([
    {
      name: 'mail',
      type: 'MX',
      routing: 'failover',
      ttl: '60s',
      answers: [
        { role: role.first, alias: 'eu.mail' },
        { role: role.second, values: ['20 backup'] },
      ],
    },
    {
      name: 'eu.mail',
      type: 'MX',
      ttl: '30s',
      answers: [{ region: 'eu-west-1', values: ['10 mx1', '10 mx2'] }],
    },
  ]);
  assert.deepEqual(ask('mail', 'MX'), ['10 mx1.tree.test', '10 mx2.tree.test']);
  // The lowest of the tree: the data may be of any of its record sets.
  assert.equal(stepOf('mail', 'MX')?.set.ttlSeconds, 30);
  states.setGateway(1, unhealthy);
  assert.deepEqual(ask('mail', 'MX'), ['20 backup.tree.test']);
  assert.equal(allRecords(stepOf('mail', 'MX')!.set).length, 3);
});

test('equal data of two branches are given once; multivalue gives eight records', () => {
  const values = (from: number) => Array.from({ length: 6 }, (_, at) => `192.0.2.${from + at}`);
  const { ask } = serve([
    { name: 'one', type: 'A', values: values(1) },
    { name: 'two', type: 'A', values: values(4) },
    { name: 'both', type: 'A', answers: [{ alias: 'one' }, { alias: 'two' }] },
    {
      name: 'some',
      type: 'A',
      routing: 'multivalue',
      answers: [{ alias: 'one' }, { alias: 'two' }],
    },
  ]);
  assert.deepEqual(ask('both', 'A'), values(1).concat('192.0.2.7', '192.0.2.8', '192.0.2.9'));
  assert.equal(ask('some', 'A')?.length, 8);
});

test('the fixed answer of a set, and of a branch', () => {
  const { ask, states } = serve([
    {
      name: 'www',
      type: 'A',
      routing: 'weighted',
      lastResort: { fixed: ['192.0.2.99'] },
      answers: [{ region: 'eu-west-1' }, { region: 'us-east-1', weight: 0 }],
    },
    { name: 'above', type: 'A', answers: [{ alias: 'www' }] },
  ]);
  states.setGateway(1, unhealthy);
  assert.deepEqual(ask('www', 'A'), ['127.0.1.1']);
  states.setGateway(0, unhealthy);
  assert.deepEqual(ask('www', 'A'), ['192.0.2.99']);
  assert.deepEqual(ask('above', 'A'), ['192.0.2.99']);
});

test('an alias leads to what stands in the zone file', () => {
  const { options } = createExchange({
    'file.test': {
      file: 'file.zone',
      contents: { 'file.zone': '$TTL 60\n@ SOA ns. host. 1 1 1 1 1\n@ NS ns\nns A 192.0.2.53\n' },
      records: [{ name: 'www', type: 'A', answers: [{ alias: 'ns' }] }],
    },
  });
  const zones = compileZones(options.config, options.topology, 1);
  const { key } = parseName('www.file.test');
  const { steps } = resolve(zones, key, 1, (set) =>
    choose(set, undefined, createSteeringContext(options), 0),
  );
  assert.equal(steps[0]?.records[0]?.tail.join('.'), '192.0.2.53');
});

test('aliases that lead nowhere or in a circle are problems at their place', () => {
  const problemsOf = (records: Records) => {
    try {
      serve(records);
      return [];
    } catch (error) {
      return String(error instanceof Error ? error.message : error).split('\n');
    }
  };
  const alias = (name: string, to: string) => ({
    name,
    type: 'A' as const,
    answers: [{ alias: to }],
  });
  const at = (index: number) => `zones["tree.test"].records[${index}].answers[0].alias`;
  assert.deepEqual(problemsOf([alias('a', 'b')]), [`${at(0)}: the zone has no A record set "b"`]);
  assert.ok(problemsOf([alias('a', 'b'), alias('b', 'a')])[0]?.includes('leads in a circle'));
  const deep = Array.from({ length: 5_000 }, (_, index) => alias(`n${index}`, `n${index + 1}`));
  assert.ok(problemsOf(deep)[0]?.includes('over more than 8 steps'));
});
