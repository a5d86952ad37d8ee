import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { configSchema } from '../../config/schema/config.ts';
import { compileTopology } from '../../config/topology.ts';
import { HealthTable, healthy, unhealthy } from '../../health/table.ts';
import { explainDns } from '../explain.ts';
import { compileDnsData } from '../server/data.ts';
import { QueryOrigin } from '../server/query-origin.ts';
import { Responder } from '../server/responder.ts';
import { createExchange, oracle } from '../testdata/exchange.ts';
import { decodeMessage } from '../wire/message.ts';

const [us, eu, ap] = [0, 1, 2];
const everywhere = {
  'us-east-1': ['10.0.1.1:80'],
  'eu-west-1': ['10.0.2.1:80'],
  'ap-southeast-1': ['10.0.3.1:80'],
};

/** The name server of us-east-1, with a claim of its own that `own` sets. */
function serve() {
  const base = createExchange().config;
  const config = configSchema.parse({
    regions: base.regions,
    exclusive: { ledger: { regions: ['eu-west-1', 'us-east-1'] } },
    services: {
      rates: { endpoints: everywhere },
      kept: { endpoints: everywhere, residency: ['eu-west-1'] },
    },
    zones: {
      'e.test': {
        records: [
          { name: 'ledger', type: 'A', exclusive: 'ledger' },
          {
            name: 'db',
            type: 'CNAME',
            exclusive: 'ledger',
            answers: [
              { region: 'eu-west-1', values: ['db.eu.example.'] },
              { region: 'us-east-1', values: ['db.us.example.'] },
            ],
          },
          { name: '@', type: 'ALIAS', target: 'ledger' },
          { name: 'kept', type: 'A', exclusive: 'ledger', service: 'kept' },
          {
            name: 'tree',
            type: 'A',
            routing: 'failover',
            answers: [
              { role: 'primary', alias: 'ledger' },
              { role: 'secondary', values: ['192.0.2.9'] },
            ],
          },
        ],
      },
    },
  });
  const topology = compileTopology(config);
  const states = new HealthTable(topology);
  for (const { index } of topology.regions) {
    states.setGateway(index, healthy);
    for (const service of topology.services) states.setService(service.index, index, healthy);
  }
  const clock = new ManualClock();
  clock.advance(1_000);
  const { locator } = createExchange().options;
  const options = { config, topology, states, region: 'us-east-1', locator, serial: 1, clock };
  const responder = new Responder(compileDnsData(options));
  const output = Buffer.alloc(4_096);
  const ask = (name: string, type = 'A') => {
    const query = oracle.encode({ type: 'query', questions: [{ name, type, class: 'IN' }] });
    const from = new QueryOrigin('udp', '198.51.100.1');
    const length = responder.respond(query, query.length, from, output);
    return decodeMessage(Buffer.from(output.subarray(0, length))).answers.map(({ data }) => data);
  };
  const write = (untilMs: number, other: number) => states.exclusive.write(0, untilMs, 1, other);
  return { ask, write, clock, states, options };
}

test('names the own region while it is active, then the last other one, or nothing', () => {
  const { ask, write, clock } = serve();
  assert.deepEqual(ask('ledger.e.test'), [], 'nobody is known to be active');
  write(5_000, -1);
  for (const name of ['ledger.e.test', 'e.test']) assert.deepEqual(ask(name), ['127.0.1.1']);
  assert.deepEqual(ask('db.e.test', 'CNAME'), ['db.us.example']);
  clock.advance(3_999);
  assert.deepEqual(ask('ledger.e.test'), ['127.0.1.1']);
  clock.advance(1);
  assert.deepEqual(ask('ledger.e.test'), [], 'the claim ended by the clock alone');
  write(0, eu!);
  for (const name of ['ledger.e.test', 'e.test']) assert.deepEqual(ask(name), ['127.0.2.1']);
  assert.deepEqual(ask('db.e.test', 'CNAME'), ['db.eu.example']);
});

test('health does not decide it, residency is not lifted by it', () => {
  const { ask, write, states } = serve();
  write(1e9, eu!);
  states.setGateway(us!, unhealthy);
  states.setDraining(us!, true);
  assert.deepEqual(ask('ledger.e.test'), ['127.0.1.1']);
  assert.deepEqual(ask('kept.e.test'), [], 'active where the service may not be handled');
  write(0, eu!);
  assert.deepEqual(ask('kept.e.test'), ['127.0.2.1']);
  write(0, ap!);
  assert.deepEqual(ask('ledger.e.test'), [], 'a region that has no answer in the set');
});

test('a tree leaves a branch that nobody is active in', () => {
  const { ask, write } = serve();
  assert.deepEqual(ask('tree.e.test'), ['192.0.2.9']);
  write(1e9, -1);
  assert.deepEqual(ask('tree.e.test'), ['127.0.1.1']);
});

test('explain says who is active, and why the others are not given', () => {
  const { options, write } = serve();
  const explain = () => explainDns(options, 'ledger.e.test', 'A', '198.51.100.1');
  assert.match(explain().rule, /no region is known to be active/);
  write(0, eu!);
  const { rule, steps } = explain();
  assert.match(rule, /exclusive: the active region of ledger/);
  const whys = steps[0]?.steering?.candidates.map(({ region, why }) => `${region}: ${why}`);
  assert.deepEqual(whys, [
    'eu-west-1: healthy: chosen',
    'us-east-1: it is not the active region: not chosen',
  ]);
});
