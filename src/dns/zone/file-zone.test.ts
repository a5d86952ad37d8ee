import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConfigInput } from '../../config/schema/config.ts';
import { DnsError } from '../errors.ts';
import { createExchange } from '../testdata/exchange.ts';
import { parseName } from '../wire/name.ts';
import { rdataBytes } from '../wire/records/record-type.ts';
import { formatRdata, typeName } from '../wire/records/registry.ts';
import { compileZones } from './compile.ts';
import { resolve } from './resolve.ts';
import type { Zone } from './zone.ts';

const soa = '$TTL 5m\n@ 1h SOA ns1 dns 2026112101 2h 15m 2w 90\n';

function compile(zone: NonNullable<ConfigInput['zones']>[string]): Zone {
  const { config, topology } = createExchange({ 'file.test': zone });
  return compileZones(config, topology, 7).find(parseName('file.test').key)!;
}

function compileText(text: string, records?: NonNullable<ConfigInput['zones']>[string]['records']) {
  return compile({
    file: 'zones/f.zone',
    contents: { 'f.zone': text },
    ...(records && { records }),
  });
}

/** `owner ttl type data`, empty non-terminals as their name alone. */
function summary(zone: Zone): string[] {
  return Array.from(zone.nodes(), ({ name, sets }) => {
    if (sets.length === 0) return [`${name}`];
    return sets.flatMap(({ type, ttlSeconds, records }) =>
      records.map((data) => {
        const bytes = rdataBytes(data);
        const text = formatRdata(type, bytes, 0, bytes.length);
        return `${name} ${ttlSeconds} ${typeName(type)} ${text}`;
      }),
    );
  }).flat();
}

test('a zone is its file, the records beside it, and the serial of the revision', () => {
  const zone = compileText(`${soa} NS ns1\nns1 A 192.0.2.53\na.b TXT x\nlab NS ns.example.`, [
    { name: 'ns1', type: 'AAAA', values: ['2001:db8::53'] },
    { name: 'www', type: 'A', ttl: '30s', values: ['192.0.2.1'] },
  ]);
  assert.deepEqual(summary(zone), [
    'file.test 300 NS ns1.file.test',
    'file.test 3600 SOA ns1.file.test dns.file.test 7 7200 900 1209600 90',
    'ns1.file.test 300 A 192.0.2.53',
    'ns1.file.test 10 AAAA 2001:db8::53',
    'a.b.file.test 300 TXT "x"',
    'b.file.test',
    'lab.file.test 300 NS ns.example',
    'www.file.test 30 A 192.0.2.1',
  ]);
  assert.equal(zone.negativeTtlSeconds, 90);
  assert.equal(String(zone.cutAbove(parseName('x.lab.file.test').key)?.name), 'lab.file.test');
});

test('what the file does not say is made as without one', () => {
  const names = summary(compileText('$TTL 5\nwww A 192.0.2.1'));
  assert.ok(names.includes('file.test 3600 NS ns-eu-west-1.file.test'));
  assert.ok(names.includes('ns-eu-west-1.file.test 3600 A 127.0.2.1'));
  assert.ok(names.some((name) => name.startsWith('file.test 3600 SOA ns-us-east-1.file.test')));
});

test('included files come from the configuration', () => {
  const contents = {
    'f.zone': '$TTL 5\n$INCLUDE eu/h.zone',
    'eu/h.zone': 'h A 192.0.2.1\nbad A 5',
  };
  assert.throws(() => compile({ file: 'zones/f.zone', contents }), {
    code: 'bad_zone',
    message: 'zones/eu/h.zone:2: zones["file.test"]: "5" is no A data: expected an IPv4 address',
  });
});

test('a name and type in both places, an alias beside others, and every error of the file', () => {
  const text = `${soa} NS ns.example.\nwww A 192.0.2.1\nmail A 192.0.2.2\n`;
  assert.throws(
    () =>
      compileText(text, [
        { name: 'www', type: 'A', routing: 'latency' },
        { name: 'mail', type: 'CNAME', values: ['www'] },
      ]),
    {
      code: 'bad_zone',
      message: [
        'zones["file.test"].records[0]: zones/f.zone:4 has A of www.file.test already',
        'zones["file.test"].records[1]: a CNAME cannot stand beside other records of mail.file.test',
      ].join('\n'),
    },
  );
  assert.throws(() => compileText('a 5 A x\nb 5 A y\nc.example. 5 A 192.0.2.1'), {
    message: /f\.zone:1: .*\n.*f\.zone:2: .*\n.*f\.zone:3: .*c\.example is not in the zone/,
    details: {
      problems: [1, 2, 3].map((line) => ({
        path: 'zones["file.test"]',
        file: 'zones/f.zone',
        line,
        message: [
          '"x" is no A data: expected an IPv4 address',
          '"y" is no A data: expected an IPv4 address',
          'c.example is not in the zone file.test',
        ][line - 1],
      })),
    },
  });
});

const fragments = fc.constantFrom(
  ...['$ORIGIN ', '$TTL 5\n', '$INCLUDE f.zone', '$GENERATE 1-3 ', 'a ', '@ ', '*.a ', '. ', ' '],
  ...['\n', '(', ')', '"', ';', '\\', '5 ', 'A 192.0.2.1\n', 'TXT x\n', 'SOA a b 1 2 3 4 5\n'],
  ...['NS a\n', 'CNAME b\n', 'b ', 'a.b.c ', 'MX 1 a\n', 'TYPE9 \\# 0\n', 'DS 1 2 3 aa\n', '\0'],
);

test('whatever a file says, it is a zone that answers, or a list of its problems', () => {
  const { config, topology } = createExchange({ 'file.test': {} });
  let served = 0;
  fc.assert(
    fc.property(fc.array(fragments, { maxLength: 30 }), (parts) => {
      const contents = { 'f.zone': `$TTL 5\n${parts.join('')}` };
      const zone = { ...config.zones['file.test']!, file: 'f.zone', contents };
      try {
        const zones = compileZones({ ...config, zones: { 'file.test': zone } }, topology, 7);
        for (const name of ['', 'a.', 'b.', 'x.a.', 'b.c.', 'x.y.z.']) {
          for (const type of [1, 2, 6, 43, 255]) {
            const key = parseName(`${name}file.test`).key;
            const { zone } = resolve(zones, key, type, () => assert.fail('nothing is steered'));
            assert.ok(zone);
          }
        }
        served++;
      } catch (error) {
        assert.ok(error instanceof DnsError && error.code === 'bad_zone', String(error));
        assert.match(error.message, /^f\.zone:\d+: /);
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(served > 20, `${served} zones were served`);
});
