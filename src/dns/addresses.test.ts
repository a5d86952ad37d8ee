// A region of several nodes, as a client of the name server meets it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unhealthy } from '../health/table.ts';
import { explainDns } from './explain.ts';
import { compileDnsData } from './server/data.ts';
import { QueryOrigin } from './server/query-origin.ts';
import { Responder } from './server/responder.ts';
import { createExchange, oracle } from './testdata/exchange.ts';
import { decodeMessage } from './wire/message.ts';

const three = {
  x: { address: '127.0.2.1' },
  y: { address: '127.0.2.2' },
  z: { address: '127.0.2.3' },
};

function setUp(nodes: Parameters<typeof createExchange>[1] = three) {
  const { options, states, topology } = createExchange(
    {
      'eu.test': {
        records: [
          {
            name: 'simple',
            type: 'A',
            answers: [{ region: 'eu-west-1' }, { region: 'us-east-1' }],
          },
          {
            name: 'fixed',
            type: 'A',
            answers: [{ region: 'eu-west-1', values: ['192.0.2.1', '127.0.2.1'] }],
          },
          {
            name: 'alias',
            type: 'CNAME',
            answers: [{ region: 'eu-west-1', values: ['rates.exchange.test.'] }],
          },
        ],
      },
    },
    nodes,
  );
  const chance = { random: 0 };
  const responder = new Responder(compileDnsData(options), { random: () => chance.random });
  const origin = new QueryOrigin('udp', '198.51.100.1');
  const ask = (name: string, type = 'A') => {
    const output = Buffer.alloc(65_535);
    const additionals = [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: 1_232,
        options: [{ code: 8, ip: '81.2.69.0', sourcePrefixLength: 24 }],
      },
    ];
    const query = oracle.encode({ type: 'query', questions: [{ name, type }], additionals });
    const length = responder.respond(query, query.length, origin, output);
    return decodeMessage(output.subarray(0, length));
  };
  const data = (name: string) => ask(name).answers.map((record) => record.data);
  const index = (address: string) => {
    const found = topology.addresses.find((one) => one.address === address);
    assert.ok(found);
    return found.index;
  };
  return { options, states, chance, ask, data, index };
}

test('clients get the healthy addresses of a region, another one first each time', () => {
  const { data, chance } = setUp();
  assert.deepEqual(data('rates.exchange.test'), ['127.0.2.1', '127.0.2.2', '127.0.2.3']);
  chance.random = 0.4 / 65_536;
  assert.deepEqual(data('rates.exchange.test'), ['127.0.2.2', '127.0.2.3', '127.0.2.1']);
  chance.random = 0;
  assert.deepEqual(data('simple.eu.test'), ['127.0.2.1', '127.0.2.2', '127.0.2.3', '127.0.1.1']);
  assert.deepEqual(data('alias.eu.test').slice(1), ['127.0.2.1', '127.0.2.2', '127.0.2.3']);
});

test('an address that is lost or drains goes, and the explanation says why', () => {
  const { options, states, data, index } = setUp();
  states.setAddress(index('127.0.2.1'), unhealthy);
  states.setAddressDraining(index('127.0.2.3'), true);
  assert.deepEqual(data('rates.exchange.test'), ['127.0.2.2']);
  const { answers, steps } = explainDns(options, 'rates.exchange.test', 'A', '81.2.69.0/24');
  assert.deepEqual(
    answers.map((record) => record.data),
    ['127.0.2.2'],
  );
  assert.deepEqual(
    steps[0]?.steering?.candidates[1]?.addresses?.map(({ address, node, why }) => [
      address,
      node,
      why,
    ]),
    [
      ['127.0.2.1', 'x', 'unhealthy: left out'],
      ['127.0.2.2', 'y', 'healthy: given'],
      ['127.0.2.3', 'z', 'its node is draining: left out'],
    ],
  );
});

test('data that the configuration spells out are given whatever becomes of the nodes', () => {
  const { states, data, index } = setUp();
  states.setAddress(index('127.0.2.1'), unhealthy);
  assert.deepEqual(data('fixed.eu.test'), ['192.0.2.1', '127.0.2.1']);
});

test('a name server per region, with every published address as glue', () => {
  const { ask, states, index } = setUp();
  states.setAddress(index('127.0.2.1'), unhealthy);
  const { answers, additional } = ask('exchange.test', 'NS');
  assert.equal(answers.length, 3);
  assert.deepEqual(
    additional
      .filter(({ name }) => name === 'ns-eu-west-1.exchange.test')
      .map((record) => record.data),
    ['127.0.2.1', '127.0.2.2', '127.0.2.3'],
  );
});

test('before a load balancer the nodes are nobody’s business', () => {
  const { ask, data } = setUp({ x: { address: '127.0.2.8' }, y: { address: '127.0.2.9' } });
  assert.deepEqual(data('rates.exchange.test'), ['127.0.2.1']);
  const glue = ask('ns-eu-west-1.exchange.test').answers.map((record) => record.data);
  assert.deepEqual(glue, ['127.0.2.1']);
});

test('32 nodes fit one datagram', () => {
  const nodes = Object.fromEntries(
    Array.from({ length: 32 }, (_, n) => [`n${n}`, { address: `127.0.2.${n + 1}` }]),
  );
  const { ask } = setUp(nodes);
  const message = ask('rates.exchange.test');
  assert.equal(message.answers.length, 32);
  assert.equal(message.flags.truncated, false);
  const referral = ask('exchange.test', 'NS');
  assert.equal(referral.answers.length, 3);
  assert.equal(referral.flags.truncated, false);
});
