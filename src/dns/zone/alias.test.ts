import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unhealthy } from '../../health/table.ts';
import { explainDns } from '../explain.ts';
import { createExchange } from '../testdata/exchange.ts';
import { compileZones } from './compile.ts';

type Records = NonNullable<NonNullable<Parameters<typeof createExchange>[0]>[string]['records']>;

function serve(records: Records) {
  const { options, states } = createExchange({ 'apex.test': { ttl: '40s', records } });
  const ask = (name: string, type: string) => {
    const { answers, outcome } = explainDns(options, name, type, '81.2.69.0/24');
    return answers.length === 0 ? outcome : answers.map(({ data, ttl }) => `${data} ${ttl}`);
  };
  return { options, states, ask };
}

function problemOf(records: Records): string | undefined {
  const { config, topology } = createExchange({ 'apex.test': { records } });
  try {
    compileZones(config, topology, 1);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test('the apex has the addresses of another name, steered as they are there', () => {
  const { ask, states, options } = serve([
    { name: '@', type: 'ALIAS', target: 'rates.exchange.test.' },
    { name: '@', type: 'TXT', values: ['beside it'] },
  ]);
  assert.deepEqual(ask('apex.test', 'A'), ['127.0.2.1 10']);
  assert.equal(ask('apex.test', 'AAAA'), 'noData');
  assert.deepEqual(ask('apex.test', 'TXT'), ['"beside it" 40']);
  states.setGateway(1, unhealthy);
  assert.deepEqual(ask('apex.test', 'A'), ['127.0.1.1 10']);
  const [step] = explainDns(options, 'apex.test', 'A', '81.2.69.0/24').steps;
  assert.equal(step?.name, 'apex.test');
  assert.equal(step?.aliasOf, 'rates.exchange.test');
  assert.equal(step?.steering?.routing, 'latency');
});

test('CNAMEs, wildcards and other aliases are followed; the lowest TTL counts', () => {
  const { ask } = serve([
    { name: '@', type: 'ALIAS', target: 'www' },
    { name: 'www', type: 'ALIAS', ttl: '20s', target: 'x.wild' },
    { name: '*.wild', type: 'CNAME', ttl: '30s', values: ['both'] },
    { name: 'both', type: 'A', values: ['192.0.2.1'] },
    { name: 'both', type: 'AAAA', values: ['2001:db8::1'] },
    { name: 'brief', type: 'ALIAS', ttl: '5s', target: 'both' },
    { name: 'long', type: 'ALIAS', ttl: '1h', target: 'both' },
  ]);
  assert.deepEqual(ask('apex.test', 'A'), ['192.0.2.1 20']);
  assert.deepEqual(ask('apex.test', 'AAAA'), ['2001:db8::1 20']);
  assert.deepEqual(ask('www.apex.test', 'A'), ['192.0.2.1 20']);
  assert.deepEqual(ask('brief.apex.test', 'A'), ['192.0.2.1 5']);
  assert.deepEqual(ask('long.apex.test', 'A'), ['192.0.2.1 40']);
});

test('a target without addresses here is a problem at its place', () => {
  const path = 'zones["apex.test"].records[0].target: ';
  const golden: [target: string, ...more: Records, problem: string][] = [
    ['nothing', 'there is no name nothing.apex.test'],
    ['_api._tcp.exchange.test.', '_api._tcp.exchange.test has neither A nor AAAA records'],
    [
      'loop-a.exchange.test.',
      'more than 16 names lead on from loop-a.exchange.test, or they lead in a circle',
    ],
    ['@', 'more than 16 names lead on from apex.test, or they lead in a circle'],
    [
      'moves',
      { name: 'moves', type: 'CNAME', routing: 'weighted', answers: [{ values: ['a'] }] },
      'moves.apex.test is a CNAME that is steered, which an ALIAS does not follow',
    ],
  ];
  for (const [target, ...rest] of golden) {
    const problem = rest.pop() as string;
    const records = [{ name: '@', type: 'ALIAS' as const, target }, ...(rest as Records)];
    assert.equal(problemOf(records), path + problem);
  }
  const twice = problemOf([
    { name: 'x', type: 'A', values: ['192.0.2.1'] },
    { name: 'x', type: 'ALIAS', target: 'static.exchange.test.' },
  ]);
  assert.match(twice ?? '', /has A, AAAA or CNAME already/);
});

test('names outside, delegated ones too, are told of once, and there are so many at most', () => {
  const targets = ['www.example.com.', 'x.lab.exchange.test.', 'out.exchange.test.', 'n2'];
  const records: Records = targets.map((target, at) => ({ name: `n${at}`, type: 'ALIAS', target }));
  const { config, topology } = createExchange({ 'apex.test': { records } });
  assert.deepEqual(compileZones(config, topology, 1).outside.map(String), [
    'www.example.com',
    'x.lab.exchange.test',
  ]);
  const many: Records = Array.from({ length: 1_001 }, (_, at) => ({
    name: `n${at}`,
    type: 'ALIAS',
    target: `t${at}.example.`,
  }));
  assert.match(problemOf(many) ?? '', /records\[1000\]: more than 1000 names outside of the zones/);
});
