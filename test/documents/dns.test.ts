import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../../src/config/schema/config.ts';
import { recordTypeSchema } from '../../src/config/schema/zone.ts';
import { maximumZoneBytes } from '../../src/config/zone-files.ts';
import { compileDnsData } from '../../src/dns/server/data.ts';
import { QueryOrigin } from '../../src/dns/server/query-origin.ts';
import { Responder } from '../../src/dns/server/responder.ts';
import { createExchange } from '../../src/dns/testdata/exchange.ts';
import { optionOf, type RawQuery, rawQuery } from '../../src/dns/testdata/raw-query.ts';
import { maxUdpPayload, rcodeName } from '../../src/dns/wire/codes.ts';
import { parseName } from '../../src/dns/wire/name.ts';
import { checkZoneFile } from '../../src/dns/zone-file/zone-file.ts';
import { constantIn } from './constants.ts';
import { blocksOf, tableUnder } from './markdown.ts';
import { answerOf, explainerOf, zoneConfigOf } from './name-server.ts';

const page = 'docs/guides/dns.md';
const [first] = blocksOf(page, 'yaml');
const explain = explainerOf(zoneConfigOf(page, first!));

test('what the guide asks of its zone is answered as it says', () => {
  let count = 0;
  for (const { text } of blocksOf(page, 'sh')) {
    for (const [, name, type = 'A', answer] of text.matchAll(
      /^dig @127\.0\.0\.1 -p 5300 \+short (\S+)(?: (\w+))? +# (.+)$/gm,
    )) {
      assert.equal(answerOf(explain(name!, type)), answer!.replace(/\.$/, ''), name);
      count++;
    }
  }
  assert.ok(count >= 5, `${count} questions were found`);
});

test('names that are not there are answered as the table says', () => {
  const { rows } = tableUnder(page, 'asked');
  assert.ok(rows.length >= 9);
  for (const [asked, answer] of rows) {
    const [name, type] = asked!.replaceAll('`', '').split(' ');
    assert.equal(answerOf(explain(name!, type!)), answer!.replaceAll('.,', ','), asked);
  }
});

test('the zone file of the guide is without a slip', () => {
  const origin = parseName('example.com');
  for (const { text, place } of blocksOf(page, 'zone')) {
    assert.deepEqual(checkZoneFile({ file: place, text, origin }).problems, []);
  }
});

test('every record type is told, with data that it takes', () => {
  const { rows } = tableUnder(page, 'type');
  const told = rows.map(([type]) => type!.replaceAll('`', ''));
  assert.deepEqual([...told].sort(), [...recordTypeSchema.options].sort());
  for (const [index, [, value]] of rows.entries()) {
    const type = told[index]!;
    if (type === 'ALIAS') continue;
    const text = value!.replaceAll('`', '');
    const records = [{ name: 'x', type, values: [text] }];
    const example = { zones: { 'a.test': { records } } };
    const config = zoneConfigOf(page, {
      language: 'yaml',
      text: JSON.stringify(example),
      place: type,
    });
    const { answers, outcome } = explainerOf(config)('x.a.test', type);
    assert.equal(outcome === 'referral' ? 1 : answers.length, 1, type);
  }
});

test('settings are told with their defaults', () => {
  const location = { latitude: 0, longitude: 0 };
  const config = configSchema.parse({ regions: { a: { address: '192.0.2.1', location } } });
  for (const [setting, told] of tableUnder(page, 'setting').rows) {
    let value: unknown = config;
    for (const field of setting!.replaceAll('`', '').split('.')) {
      value = (value as Record<string, unknown>)[field];
    }
    const written = /^(\d+) s$/.exec(told!) ? Number(told!.split(' ')[0]) * 1_000 : told;
    assert.equal(String(value ?? 'none'), String(written), setting);
  }
  assert.equal(maximumZoneBytes, 8 * 1_024 * 1_024);
  assert.equal(maxUdpPayload, 1_232);
});

test('what is not told is answered as the table says', () => {
  const responder = new Responder(compileDnsData(createExchange().options));
  const origin = new QueryOrigin('udp', '192.0.2.7');
  const output = Buffer.alloc(maxUdpPayload);
  const ask = (message: Buffer) => {
    const length = responder.respond(message, message.length, origin, output);
    if (length === 0) return 'nothing';
    const code = optionOf(output.subarray(0, length), 15)?.readUInt16BE(0);
    return `${rcodeName(responder.rcode)}${code === undefined ? '' : `, extended error ${code}`}`;
  };
  const withOpcode = (opcode: number) => {
    const message = rawQuery({ ...inZone, type: 'SOA' });
    message[2] = opcode << 3;
    return message;
  };
  const name = 'exchange.test';
  const inZone: RawQuery = { name, options: [] };
  const response = rawQuery(inZone);
  response[2] = 0x80;
  const two = rawQuery({ name });
  two[5] = 2;
  const queries: Readonly<Record<string, readonly Buffer[]>> = {
    'a name in none of the zones': [rawQuery({ name: 'example.com', options: [] })],
    ANY: [rawQuery({ ...inZone, type: 'ANY' })],
    'AXFR, IXFR without `transfer`': ['AXFR', 'IXFR'].map((type) => rawQuery({ ...inZone, type })),
    '`version.bind`': [rawQuery({ name: 'version.bind', type: 'TXT', class: 3, options: [] })],
    'NOTIFY of a zone without `secondary`': [withOpcode(4)],
    'UPDATE and the like': [withOpcode(5), withOpcode(2)],
    'EDNS of another version': [rawQuery({ ...inZone, version: 1 })],
    'malformed, or two questions': [rawQuery(inZone).subarray(0, 20), two],
    'a response, or less than a header': [response, Buffer.alloc(11)],
  };
  const { rows } = tableUnder(page, 'query');
  assert.deepEqual(
    rows.map(([query]) => query),
    Object.keys(queries),
  );
  for (const [query, answer] of rows) {
    const expected = query === 'ANY' ? 'NOERROR' : answer;
    for (const message of queries[query!]!) assert.equal(ask(message), expected, query);
  }
});

test('the limits of zone files are those of the sources', () => {
  const told = tableUnder(page, 'at most').rows.map(([limit]) => limit!.replaceAll(',', ''));
  const reader = 'src/dns/zone-file/reader.ts';
  const number = (path: string, name: string) => constantIn(path, name).replaceAll('_', '');
  assert.deepEqual(told, [
    `${maximumZoneBytes / 2 ** 20} MiB`,
    number(reader, 'defaultMaximumRecords'),
    number('src/dns/zone-file/generate.ts', 'maximumCount'),
    number('src/config/zone-files.ts', 'maximumFiles'),
    number('src/dns/zone/gather.ts', 'maximumTypes'),
    `${number('src/dns/zone/gather.ts', 'maximumSetBytes')} octets`,
  ]);
  assert.equal(number(reader, 'maximumDepth'), '8');
});
