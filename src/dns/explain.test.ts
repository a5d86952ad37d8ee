import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unhealthy } from '../health/table.ts';
import { explainDns } from './explain.ts';
import { createExchange } from './testdata/exchange.ts';

const { options, states } = createExchange();

test('a steered answer: the candidates and the rule that decided', () => {
  const explained = explainDns(options, 'alias.exchange.test', 'a', '81.2.69.7');
  assert.equal(explained.rcode, 'NOERROR');
  assert.equal(explained.zone, 'exchange.test');
  assert.equal(explained.region, 'us-east-1');
  assert.match(explained.rule, /distance from the client location/);
  assert.deepEqual(explained.answers, [
    { name: 'alias.exchange.test', type: 'CNAME', ttl: 10, data: 'rates.exchange.test' },
    { name: 'rates.exchange.test', type: 'A', ttl: 10, data: '127.0.2.1' },
  ]);
  const [alias, rates] = explained.steps;
  assert.equal(alias?.steering, undefined);
  assert.equal(rates?.name, 'rates.exchange.test');
  assert.equal(rates?.steering?.routing, 'latency');
  assert.equal(rates?.steering?.service, 'rates');
  assert.equal(rates?.steering?.clientLocation, 'London');
  assert.equal(rates?.steering?.scopeBits, 16);
  assert.deepEqual(
    rates?.steering?.candidates.map(({ region, usable }) => [region, usable]),
    [
      ['us-east-1', 'healthy'],
      ['eu-west-1', 'healthy'],
      ['ap-southeast-1', 'healthy'],
    ],
  );
});

test('it says what the server says after health changed', () => {
  states.setGateway(1, unhealthy);
  const explained = explainDns(options, 'rates.exchange.test', 'A', '81.2.69.0/24');
  assert.deepEqual(
    explained.answers.map(({ data }) => data),
    ['127.0.1.1'],
  );
  assert.equal(explained.steps[0]?.steering?.candidates[1]?.gateway, 'unhealthy');
  assert.notEqual(explained.steps[0]?.steering?.candidates[1]?.usable, 'healthy');
});

test('questions that no steering decides', () => {
  const golden: [name: string, type: string, outcome: string, rcode: string, rule: RegExp][] = [
    ['static.exchange.test', 'A', 'answer', 'NOERROR', /plain record set/],
    ['nope.exchange.test', 'A', 'noName', 'NXDOMAIN', /exchange.test has no such name/],
    ['static.exchange.test', 'TXT', 'noData', 'NOERROR', /no record of this type/],
    ['example.com', 'A', 'refused', 'REFUSED', /none of our zones/],
    ['exchange.test', 'AXFR', 'refused', 'REFUSED', /this type are not answered/],
    ['exchange.test', 'TYPE250', 'refused', 'NOTIMP', /this type are not answered/],
    ['x.lab.exchange.test', 'A', 'referral', 'NOERROR', /lab.exchange.test is delegated/],
  ];
  for (const [name, type, outcome, rcode, rule] of golden) {
    const explained = explainDns(options, name, type, '2001:db8::1');
    assert.equal(explained.outcome, outcome, name);
    assert.equal(explained.rcode, rcode, name);
    assert.match(explained.rule, rule);
  }
  assert.equal('zone' in explainDns(options, 'example.com', 'A', '192.0.2.1'), false);
});

test('what cannot be asked', () => {
  assert.throws(() => explainDns(options, 'a..b', 'A', '192.0.2.1'), { code: 'bad_name' });
  assert.throws(() => explainDns(options, 'a', 'NOPE', '192.0.2.1'), { code: 'bad_lookup' });
  assert.throws(() => explainDns(options, 'a', 'A', 'here'), { code: 'bad_lookup' });
  assert.throws(() => explainDns(options, 'a', 'A', '192.0.2.1/33'), { code: 'bad_lookup' });
});
