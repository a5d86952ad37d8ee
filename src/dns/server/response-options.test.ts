import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import type { ConfigInput } from '../../config/schema/config.ts';
import { configSchema } from '../../config/schema/config.ts';
import { createExchange } from '../testdata/exchange.ts';
import { optionOf, type RawQuery, rawQuery } from '../testdata/raw-query.ts';
import { classChaos, optionCode } from '../wire/codes.ts';
import { decodeMessage } from '../wire/message.ts';
import { compileDnsData } from './data.ts';
import { QueryOrigin } from './query-origin.ts';
import { Responder } from './responder.ts';

const exchange = createExchange();
const output = Buffer.alloc(65_535);
const cookieSecret = new Uint8Array(32).fill(7);
const name = 'static.exchange.test';

function dataWith(dns: ConfigInput['dns'], secret?: Uint8Array) {
  const config = { ...exchange.config, dns: configSchema.shape.dns.parse(dns) };
  return compileDnsData({ ...exchange.options, config, cookieSecret: secret });
}

function world(dns: ConfigInput['dns'] = {}) {
  const clock = new ManualClock();
  const responder = new Responder(dataWith(dns, cookieSecret), { clock });
  const ask = (query: RawQuery, origin = new QueryOrigin('udp', '192.0.2.1')) => {
    const bytes = rawQuery(query);
    const length = responder.respond(bytes, bytes.length, origin, output);
    const response = Buffer.from(output.subarray(0, length));
    const option = (code: number) => optionOf(response, code)?.toString('hex');
    return { message: decodeMessage(response), response, option };
  };
  return { clock, responder, ask };
}

const cookie = (hexText: string) =>
  [[optionCode.cookie, Buffer.from(hexText, 'hex')]] as RawQuery['options'] & object;
const clientCookie = '0102030405060708';

test('a client cookie gets a server cookie, which then proves the address', () => {
  const { ask, responder } = world();
  const first = ask({ name, options: cookie(clientCookie) });
  assert.deepEqual([first.message.rcode, responder.cookieVerdict], [0, 'new']);
  assert.equal(first.message.answers.length, 2);
  const given = first.option(optionCode.cookie)!;
  assert.match(given, new RegExp(`^${clientCookie}01000000.{24}$`));
  assert.equal(ask({ name, options: cookie(given) }).option(optionCode.cookie), given);
  assert.equal(responder.cookieVerdict, 'valid');
  ask({ name, options: cookie(given) }, new QueryOrigin('udp', '192.0.2.2'));
  assert.equal(responder.cookieVerdict, 'invalid');
  ask({ name, options: cookie(given) }, new QueryOrigin('tcp', '::ffff:192.0.2.1'));
  assert.equal(responder.cookieVerdict, 'valid');
});

test('no cookie is sent to who sent none; without a secret, or switched off, to nobody', () => {
  const { ask, responder } = world();
  assert.equal(ask({ name, options: [] }).option(optionCode.cookie), undefined);
  assert.equal(responder.cookieVerdict, undefined);
  responder.replace(dataWith({ cookies: false }, cookieSecret));
  assert.equal(ask({ name, options: cookie(clientCookie) }).option(optionCode.cookie), undefined);
  responder.replace(dataWith({}));
  const off = ask({ name, options: cookie(clientCookie) });
  assert.deepEqual([off.message.rcode, off.option(optionCode.cookie)], [0, undefined]);
  assert.equal(ask({ options: cookie(clientCookie) }).message.rcode, 1);
});

test('a cookie of a length that none has is FORMERR; of two the first counts', () => {
  const { ask } = world();
  for (const bytes of [0, 7, 9, 15, 41]) {
    const { message } = ask({ name, options: cookie('00'.repeat(bytes)) });
    assert.equal(message.rcode, 1, `${bytes} octets`);
  }
  for (const bytes of [8, 16, 40]) {
    const { message } = ask({ name, options: cookie('00'.repeat(bytes)) });
    assert.equal(message.rcode, 0, `${bytes} octets`);
  }
  const two = [...cookie(clientCookie), ...cookie('ff'.repeat(9))];
  assert.match(ask({ name, options: two }).option(optionCode.cookie)!, /^0102030405060708/);
});

test('a query without a question asks for a cookie, or whether its own holds', () => {
  const { ask } = world();
  const asked = ask({ options: cookie(clientCookie) });
  assert.deepEqual([asked.message.rcode, asked.message.questions], [0, []]);
  const given = asked.option(optionCode.cookie)!;
  assert.equal(ask({ options: cookie(given) }).message.rcode, 0);
  const forged = `${given.slice(0, -2)}${given.endsWith('00') ? '01' : '00'}`;
  const refused = ask({ options: cookie(forged) });
  assert.equal(refused.message.rcode, 23);
  assert.equal(refused.option(optionCode.cookie), given);
  assert.equal(ask({ options: [] }).message.rcode, 1);
});

test('a new secret: cookies of the one before count for an hour, and a swap that keeps it changes nothing', () => {
  const { ask, responder, clock } = world();
  const given = ask({ name, options: cookie(clientCookie) }).option(optionCode.cookie)!;
  responder.replace(dataWith({}, Uint8Array.from(cookieSecret)));
  assert.equal(ask({ name, options: cookie(given) }).option(optionCode.cookie), given);
  responder.replace(dataWith({}, new Uint8Array(32)));
  clock.advance(60_000);
  const next = ask({ name, options: cookie(given) }).option(optionCode.cookie);
  assert.deepEqual([responder.cookieVerdict, next === given], ['valid', false]);
  responder.replace(dataWith({}, new Uint8Array(32)));
  ask({ name, options: cookie(given) });
  assert.equal(responder.cookieVerdict, 'valid');
  clock.advance(3_600_000);
  ask({ name, options: cookie(given) });
  assert.equal(responder.cookieVerdict, 'invalid');
});

test('the identifier is told by NSID and id.server, and only where one is configured', () => {
  const nsid = [[optionCode.identifier, Buffer.alloc(0)]] as const;
  const chaos = { type: 'TXT', class: classChaos, options: nsid };
  const { ask, responder } = world({ identifier: 'ns1-{region}' });
  const text = 'ns1-us-east-1';
  assert.equal(
    ask({ name, options: nsid }).option(optionCode.identifier),
    Buffer.from(text).toString('hex'),
  );
  assert.equal(ask({ name, options: [] }).option(optionCode.identifier), undefined);
  for (const server of ['id.server', 'HOSTNAME.bind']) {
    const { message } = ask({ ...chaos, name: server });
    assert.deepEqual(
      [message.rcode, message.answers.map(({ data }) => data)],
      [0, [`"${text}"`]],
      server,
    );
  }
  const version = ask({ ...chaos, name: 'version.bind' });
  assert.deepEqual([version.message.rcode, version.message.edns?.extendedError], [5, 18]);
  const other = ask({ ...chaos, name: 'id.server', type: 'A' });
  assert.deepEqual([other.message.rcode, other.message.edns?.extendedError], [5, 18]);
  const foreign = ask({ ...chaos, name });
  assert.deepEqual([foreign.message.rcode, foreign.message.edns?.extendedError], [5, 21]);
  responder.replace(dataWith({}));
  assert.equal(ask({ name, options: nsid }).option(optionCode.identifier), undefined);
  assert.equal(ask({ ...chaos, name: 'id.server' }).message.rcode, 5);
});

test('how long a connection may be idle is told over TCP, to who asks', () => {
  const { ask } = world();
  const keepalive = [[optionCode.keepalive, Buffer.alloc(0)]] as const;
  for (const [transport, expected] of [
    ['udp', undefined],
    ['tcp', '0172'],
    ['tls', '0172'],
  ] as const) {
    const origin = new QueryOrigin(transport, '192.0.2.1');
    origin.idleMs = 37_000;
    assert.equal(ask({ name, options: keepalive }, origin).option(optionCode.keepalive), expected);
    assert.equal(ask({ name, options: [] }, origin).option(optionCode.keepalive), undefined);
  }
});

test('over TLS a response is filled up to a multiple of 468 bytes for who fills up too', () => {
  const { ask } = world();
  const padding = [[optionCode.padding, Buffer.alloc(5)]] as const;
  const tls = new QueryOrigin('tls', '192.0.2.1');
  for (const asked of [name, 'mid.exchange.test', 'big.exchange.test', 'a.exchange.test']) {
    const { response, message } = ask({ name: asked, type: 'TXT', options: padding }, tls);
    assert.equal(response.length % 468, 0, asked);
    assert.equal(message.flags.truncated, false);
    assert.ok(optionOf(response, optionCode.padding)?.every((octet) => octet === 0));
    assert.notEqual(ask({ name: asked, type: 'TXT', options: [] }, tls).response.length % 468, 0);
    assert.equal(ask({ name: asked, options: padding }).option(optionCode.padding), undefined);
  }
});

test('options that nobody knows are passed over; another version of EDNS is BADVERS', () => {
  const { ask } = world();
  const unknown = [[65_001, Buffer.alloc(20)]] as const;
  assert.equal(ask({ name, options: unknown }).message.answers.length, 2);
  const other = ask({ name, options: [...unknown, ...cookie('00')], version: 1 });
  assert.deepEqual([other.message.rcode, other.message.edns?.version], [16, 0]);
  assert.equal(other.message.answers.length, 0);
});
