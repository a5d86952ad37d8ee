import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unhealthy } from '../../health/table.ts';
import { formatZoneKeys, ZoneKey } from '../dnssec/zone-key.ts';
import { createExchange, exchangeRecords } from '../testdata/exchange.ts';
import { type RawQuery, rawQuery } from '../testdata/raw-query.ts';
import { decodeMessage } from '../wire/message.ts';
import { compileDnsData } from './data.ts';
import { PlainAnswers } from './plain-answers.ts';
import { QueryOrigin, type Transport } from './query-origin.ts';
import { responseKind } from './rate-limit/rate-limiter.ts';
import { Responder } from './responder.ts';

const exchange = createExchange();
const data = compileDnsData(exchange.options);
const create = () => new Responder(data, { random: () => 0 });
const output = Buffer.alloc(65_535);

function ask(responder: Responder, query: RawQuery, transport: Transport = 'udp'): Buffer {
  const bytes = rawQuery(query);
  const length = responder.respond(
    bytes,
    bytes.length,
    new QueryOrigin(transport, '127.0.0.1'),
    output,
  );
  return Buffer.from(output.subarray(0, length));
}

test('whatever was asked before, the answer is that of a server that was asked nothing', () => {
  const names = [
    '@',
    ...new Set(exchangeRecords.map(({ name }) => name)),
    'x.wild',
    'b.c',
    'nope',
    'x.lab',
  ];
  const full = names.map((name) => (name === '@' ? 'exchange.test' : `${name}.exchange.test`));
  const questions: [RawQuery, Transport][] = full.flatMap((name) =>
    ['A', 'AAAA', 'TXT', 'NS', 'MX', 'SRV', 'CNAME', 'SOA', 'ANY'].flatMap(
      (type): [RawQuery, Transport][] => [
        [{ name, type }, 'udp'],
        [{ name: name.toUpperCase(), type, options: [], payload: 512 }, 'udp'],
        [{ name, type, options: [] }, 'udp'],
        [{ name, type, options: [[8, Buffer.of(0, 1, 24, 0, 81, 2, 69)]] }, 'tcp'],
        [{ name, type }, 'tcp'],
      ],
    ),
  );
  const expected = questions.map(([query, transport]) => ask(create(), query, transport));
  const backwards = [...questions.keys()].reverse();
  for (const order of [[...questions.keys()], backwards, backwards]) {
    const warm = create();
    for (const at of [...order, ...order]) {
      const [query, transport] = questions[at]!;
      const response = ask(warm, query, transport).toString('hex');
      assert.equal(response, expected[at]!.toString('hex'), JSON.stringify(query));
    }
  }
});

test('steered answers are never kept, and none over a swap', () => {
  const { options, states } = createExchange();
  const responder = new Responder(compileDnsData(options), { random: () => 0 });
  const addresses = (name: string) =>
    decodeMessage(ask(responder, { name: `${name}.exchange.test` })).answers.map((one) => one.data);
  for (const name of ['alias', 'rates']) {
    const before = addresses(name);
    const region = exchange.topology.regions.findIndex(({ address }) => before.includes(address));
    states.setGateway(region, unhealthy);
    assert.notDeepEqual(addresses(name), before, name);
  }
  assert.deepEqual(addresses('static'), ['192.0.2.1', '192.0.2.2']);
  const records = [{ name: 'static', type: 'A' as const, values: ['192.0.2.200'] }];
  responder.replace(compileDnsData(createExchange({ 'exchange.test': { records } }).options));
  assert.deepEqual(addresses('static'), ['192.0.2.200']);
});

test('signatures come when they are asked for, whoever asked before', () => {
  const zone = 'signed.test';
  const records = [{ name: 'www', type: 'A' as const, values: ['192.0.2.1'] }];
  const { options } = createExchange({ [zone]: { records, dnssec: { keys: 'anywhere' } } });
  const zoneKeys = { [zone]: formatZoneKeys([ZoneKey.generate('csk', 'active')]) };
  const responder = new Responder(compileDnsData({ ...options, zoneKeys }));
  for (const dnssecOk of [true, false, true, false, false, true]) {
    const query = { name: `www.${zone}`, options: [], dnssecOk };
    const { answers } = decodeMessage(ask(responder, query));
    assert.equal(answers.length, dnssecOk ? 2 : 1);
    const { authority } = decodeMessage(ask(responder, { ...query, type: 'AAAA' }));
    assert.equal(authority.length, dnssecOk ? 4 : 1);
  }
});

test('there is room for so many, none for long ones, and each type has its own', () => {
  const answers = new PlainAnswers();
  const find = (name: string, type: number) => answers.find(name, type, false, 0);
  const rest = { kind: responseKind.answer, nameHash: 1, hasSignatures: undefined };
  const body = (bytes: number) => ({ bytes: new Uint8Array(bytes), counts: [1, 0, 0] as const });
  answers.keep('a', { ...rest, type: 1, body: body(16) });
  answers.keep('a', { ...rest, type: 16, body: body(17) });
  answers.keep('b', { ...rest, type: 1, body: body(513) });
  assert.deepEqual([find('a', 1)?.body.bytes.length, find('a', 16)?.type], [16, 16]);
  assert.equal(find('a', 28) ?? find('b', 1), undefined);
  for (let name = 0; name < 132_000; name++)
    answers.keep(`${name}`, { ...rest, type: 1, body: body(1) });
  assert.deepEqual([find('131069', 1)?.type, find('131070', 1)], [1, undefined]);
});

test('of a signed zone there are two, and the signed one lasts for a day', () => {
  const zone = 'signed.test';
  const records = [{ name: 'www', type: 'A' as const, values: ['192.0.2.1'] }];
  const { options } = createExchange({ [zone]: { records, dnssec: { keys: 'anywhere' } } });
  const zoneKeys = { [zone]: formatZoneKeys([ZoneKey.generate('csk', 'active')]) };
  let nowMs = Date.UTC(2030, 0, 1, 12);
  const responder = new Responder(compileDnsData({ ...options, zoneKeys }), {
    wallMs: () => nowMs,
  });
  const askSigned = () => {
    const query = { name: `www.${zone}`, options: [], dnssecOk: true };
    const { answers } = decodeMessage(ask(responder, query));
    return answers.find(({ type }) => type === 'TYPE46')?.data;
  };
  const first = askSigned();
  assert.equal(askSigned(), first);
  nowMs += 11 * 3_600_000;
  assert.equal(askSigned(), first);
  nowMs += 3_600_000;
  assert.notEqual(askSigned(), first);
  for (const type of ['TYPE46', 'TYPE47']) {
    const { answers } = decodeMessage(ask(responder, { name: `www.${zone}`, type }));
    assert.deepEqual([answers.length, answers[0]?.type], [1, type]);
  }
});
