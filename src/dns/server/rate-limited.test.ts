import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { createExchange } from '../testdata/exchange.ts';
import { optionOf, type RawQuery, rawQuery } from '../testdata/raw-query.ts';
import { optionCode } from '../wire/codes.ts';
import { decodeMessage } from '../wire/message.ts';
import { compileDnsData } from './data.ts';
import { QueryOrigin, type Transport } from './query-origin.ts';
import { RateTable } from './rate-limit/rate-table.ts';
import { Responder } from './responder.ts';

const exchange = createExchange();
const output = Buffer.alloc(65_535);
const name = 'static.exchange.test';

function dataWith(dns: ConfigInput['dns']) {
  const config = { ...exchange.config, dns: configSchema.shape.dns.parse(dns) };
  return compileDnsData({ ...exchange.options, config, cookieSecret: new Uint8Array(32) });
}

function world(limit: object = {}, rateTable = new RateTable().buffer) {
  const responder = new Responder(dataWith({ rateLimit: { responses: 5, ...limit } }), {
    rateTable,
  });
  const ask = (query: RawQuery, address = '192.0.2.1', transport: Transport = 'udp') => {
    const bytes = rawQuery(query);
    const length = responder.respond(
      bytes,
      bytes.length,
      new QueryOrigin(transport, address),
      output,
    );
    return Buffer.from(output.subarray(0, length));
  };
  const flood = (query: RawQuery, count = 30, address?: string) =>
    Array.from({ length: count }, () => ask(query, address));
  return { responder, ask, flood, rateTable };
}

const cookie = (octets: Uint8Array) => ({ options: [[optionCode.cookie, octets]] as const });
const isTruncated = (response: Buffer) => decodeMessage(response).flags.truncated;
const whole = (responses: Buffer[]) =>
  responses.filter((bytes) => bytes.length > 0 && decodeMessage(bytes).answers.length > 0).length;

test('what is too much is dropped, but for an empty response now and then with TC', () => {
  const { flood, responder } = world();
  const responses = flood({ name, options: [] }, 9);
  assert.equal(whole(responses.slice(0, 5)), 5);
  const [first, second, third, fourth] = responses.slice(5);
  assert.deepEqual([first?.length, third?.length], [0, 0]);
  for (const short of [second!, fourth!]) {
    const message = decodeMessage(short);
    assert.deepEqual([message.rcode, message.flags.truncated], [0, true]);
    assert.deepEqual([message.answers, message.authority, message.questions.length], [[], [], 1]);
    assert.equal(message.edns?.udpPayload, 1_232);
  }
  assert.deepEqual([responder.rateVerdict, responder.kind], ['short', 1]);
});

test('TCP, TLS and who has a valid cookie get everything', () => {
  const { flood, ask } = world();
  const client = Buffer.from('0102030405060708', 'hex');
  const given = optionOf(ask({ name, ...cookie(client) }), optionCode.cookie)!;
  flood({ name });
  for (let count = 0; count < 20; count++) {
    for (const transport of ['tcp', 'tls'] as const) {
      assert.equal(whole([ask({ name }, '192.0.2.1', transport)]), 1);
    }
    assert.equal(whole([ask({ name, ...cookie(given) })]), 1);
  }
  assert.equal(whole([ask({ name, ...cookie(given) }, '192.0.2.2')]), 0, 'the cookie of another');
});

test('who shows a cookie gets BADCOOKIE in the place of TC, and with what it says its answer', () => {
  const { flood, ask } = world();
  flood({ name });
  const client = Buffer.from('0102030405060708', 'hex');
  const responses = [ask({ name, ...cookie(client) }), ask({ name, ...cookie(client) })];
  const refused = responses.find((bytes) => bytes.length > 0)!;
  const message = decodeMessage(refused);
  assert.deepEqual([message.rcode, message.flags.truncated, message.answers], [23, false, []]);
  const again = ask({ name, ...cookie(optionOf(refused, optionCode.cookie)!) });
  assert.equal(decodeMessage(again).answers.length, 2);
});

test('names that a flood can make up have one limit: below a wildcard, missing, refused', () => {
  for (const [suffix, kind] of [
    ['wild.exchange.test', 1],
    ['exchange.test', 2],
    ['b.c.exchange.test', 2],
    ['lab.exchange.test', 3],
    ['example.com', 4],
  ] as const) {
    const { ask, responder } = world({ slip: 0 });
    let answered = 0;
    for (let label = 0; label < 50; label++) {
      if (ask({ name: `x${label}.${suffix}` }).length > 0) answered++;
      assert.equal(responder.kind, kind, suffix);
    }
    assert.equal(answered, 5, suffix);
  }
});

test('a flood for one name leaves the others of the same network alone', () => {
  const { flood, ask } = world();
  flood({ name });
  assert.equal(whole([ask({ name: 'rates.exchange.test' })]), 1);
  assert.equal(whole([ask({ name }, '192.0.3.1')]), 1);
});

test('errors are not truncated: they are short as they are, and limited', () => {
  const { flood } = world();
  for (const query of [{ name: 'example.com' }, { name, type: 'AXFR' }, {}]) {
    const responses = flood(query).filter((bytes) => bytes.length > 0);
    assert.ok(responses.length < 20);
    assert.ok(responses.every((response) => !isTruncated(response)));
  }
});

test('threads with one table give together what one gives', () => {
  const one = world();
  const two = world({}, one.rateTable);
  assert.equal(whole([...one.flood({ name }), ...two.flood({ name })]), 5);
});

test('loopback is exempt by default, and nobody is limited where that is switched off', () => {
  const { flood, responder } = world();
  assert.equal(whole(flood({ name }, 100, '127.0.0.1')), 100);
  assert.equal(whole(flood({ name }, 100, '::1')), 100);
  responder.replace(dataWith({ rateLimit: false }));
  assert.equal(whole(flood({ name }, 100)), 100);
  responder.replace(dataWith({ rateLimit: { responses: 5, exempt: ['192.0.2.0/24'] } }));
  assert.equal(whole(flood({ name }, 100)), 100);
});

test('limited, no response to a query with EDNS is longer than it, but for a cookie', () => {
  const { flood } = world({ slip: 1 });
  const client = { options: [[optionCode.cookie, Buffer.alloc(8, 1)]] as const };
  for (const type of ['TXT', 'A', 'ANY'] as const) {
    for (const asked of ['big', 'static', 'x.lab', 'nope', 'x.wild']) {
      const query = { name: `${asked}.exchange.test`, type, options: [] };
      const queryBytes = rawQuery(query).length;
      flood(query);
      for (const response of flood(query)) assert.ok(response.length <= queryBytes, asked);
      for (const response of flood({ ...query, ...client })) {
        assert.ok(response.length <= queryBytes + 28, asked);
      }
    }
  }
});
