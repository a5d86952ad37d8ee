import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { atOnce } from '../../base/steps.ts';
import { parseName } from '../wire/name.ts';
import { rdataBytes } from '../wire/records/record-type.ts';
import { formatRdata, typeName } from '../wire/records/registry.ts';
import { formatProblems, ZoneFileProblems } from './problems.ts';
import { readZoneFile, type ZoneFileSource } from './reader.ts';

const origin = parseName('exchange.test');

function read(text: string, rest: Partial<ZoneFileSource> = {}) {
  const problems = new ZoneFileProblems();
  const source = { file: 'zones/main.zone', text, origin, ...rest };
  const records = atOnce(readZoneFile(source, problems));
  return { records, problems: problems.all };
}

/** `owner ttl type data`, one for each record; problems in front. */
function summary(text: string, rest?: Partial<ZoneFileSource>): string[] {
  const { records, problems } = read(text, rest);
  const told = problems.length > 0 ? formatProblems(problems).split('\n') : [];
  const lines = records.map(({ owner, type, ttlSeconds, data }) => {
    const bytes = rdataBytes(data);
    return `${owner} ${ttlSeconds} ${typeName(type)} ${formatRdata(type, bytes, 0, bytes.length)}`;
  });
  return [...told, ...lines];
}

test('entries: parentheses, comments, quotes, escapes, blank owners, class and TTL', () => {
  const text = `\ufeff; a comment
$TTL 1h30m
@ IN SOA ns1 dns\\.admin (
    7      ; serial
    1H 5m
    1w1d 10 ) ; minimum
  NS ns1
  IN 60 NS ns2.example.net.
  2m IN NS ns3\r
www A 192.0.2.1 ; the site
\tAAAA 2001:db8::1
text TXT v=spf1 -all "quoted ; ( text" semi\\;colon "a\\"b" \\200
CaSe IN 5 A ( 192.0.2.2
)
sub\\.dot A 192.0.2.3
\\$ORIGIN A 192.0.2.4
*.wild MX 10 www
_s._tcp SRV ( 0 5
  443 www )
api HTTPS 1 . alpn="h2,h3" port=8443
unknown TYPE731 \\# 6 abcd (
      ef 01 23 45 )
empty CLASS1 TYPE62347 \\# 0
generic A \\# 4 C0000205
host HINFO PC "a b"
absolute.example. A 192.0.2.6`;
  assert.deepEqual(summary(text), [
    'exchange.test 5400 SOA ns1.exchange.test dns\\.admin.exchange.test 7 3600 300 691200 10',
    'exchange.test 5400 NS ns1.exchange.test',
    'exchange.test 60 NS ns2.example.net',
    'exchange.test 120 NS ns3.exchange.test',
    'www.exchange.test 5400 A 192.0.2.1',
    'www.exchange.test 5400 AAAA 2001:db8::1',
    'text.exchange.test 5400 TXT "v=spf1" "-all" "quoted ; ( text" "semi;colon" "a\\"b" "\\200"',
    'CaSe.exchange.test 5 A 192.0.2.2',
    'sub\\.dot.exchange.test 5400 A 192.0.2.3',
    '\\$ORIGIN.exchange.test 5400 A 192.0.2.4',
    '*.wild.exchange.test 5400 MX 10 www.exchange.test',
    '_s._tcp.exchange.test 5400 SRV 0 5 443 www.exchange.test',
    'api.exchange.test 5400 HTTPS 1 . alpn="h2,h3" port=8443',
    'unknown.exchange.test 5400 TYPE731 \\# 6 abcdef012345',
    'empty.exchange.test 5400 TYPE62347 \\# 0',
    'generic.exchange.test 5400 A 192.0.2.5',
    'host.exchange.test 5400 HINFO "PC" "a b"',
    'absolute.example 5400 A 192.0.2.6',
  ]);
});

test('a record without a TTL: $TTL, else the TTL before it, else the SOA minimum', () => {
  assert.deepEqual(summary('a 7 A 192.0.2.1\nb A 192.0.2.2\n$TTL 9\nc A 192.0.2.3'), [
    'a.exchange.test 7 A 192.0.2.1',
    'b.exchange.test 7 A 192.0.2.2',
    'c.exchange.test 9 A 192.0.2.3',
  ]);
  assert.deepEqual(summary('@ SOA ns dns 1 2 3 4 5\na A 192.0.2.1'), [
    'zones/main.zone:1: warning: no $TTL: the SOA minimum is the TTL of records without one',
    'exchange.test 5 SOA ns.exchange.test dns.exchange.test 1 2 3 4 5',
    'a.exchange.test 5 A 192.0.2.1',
  ]);
});

test('$ORIGIN, relative to the one before, and of a file that names its zone itself', () => {
  const text = '$TTL 5\n$ORIGIN eu\na A 192.0.2.1\n$origin west\na CNAME b\n$ORIGIN .\nc. NS d';
  assert.deepEqual(summary(text), [
    'a.eu.exchange.test 5 A 192.0.2.1',
    'a.west.eu.exchange.test 5 CNAME b.west.eu.exchange.test',
    'c 5 NS d',
  ]);
  assert.deepEqual(summary('$TTL 5\n$ORIGIN x.test.\n@ NS ns', { origin: undefined }), [
    'x.test 5 NS ns.x.test',
  ]);
});

test('$INCLUDE: origin and owner come back, TTLs go on, problems name their file', () => {
  const files = new Map([
    ['hosts/eu.zone', ' TXT inherited\n$TTL 7\n$ORIGIN deep\na A 192.0.2.1\nb A nowhere\n'],
    ['loop.zone', '$INCLUDE loop.zone\n'],
    ['more.zone', 'm A 192.0.2.9'],
  ]);
  const asked: string[] = [];
  const include = (name: string) => {
    asked.push(name);
    return files.get(name);
  };
  const text =
    'top 5 A 192.0.2.2\n$INCLUDE "hosts/../hosts/eu.zone" eu ; all of them\n A 192.0.2.3\n$INCLUDE more.zone';
  assert.deepEqual(summary(text, { include }), [
    'zones/hosts/eu.zone:5: "nowhere" is no A data: expected an IPv4 address',
    'top.exchange.test 5 A 192.0.2.2',
    'top.exchange.test 5 TXT "inherited"',
    'a.deep.eu.exchange.test 7 A 192.0.2.1',
    'top.exchange.test 7 A 192.0.2.3',
    'm.exchange.test 7 A 192.0.2.9',
  ]);
  assert.deepEqual(asked, ['hosts/eu.zone', 'more.zone']);
  assert.deepEqual(summary('$INCLUDE loop.zone', { include }), [
    'zones/loop.zone:1: files include files 8 deep',
  ]);
  asked.length = 0;
  for (const outside of ['/etc/passwd', '../x', 'a/../../x', '..', '""', 'a\\b']) {
    const [told] = summary(`$INCLUDE ${outside}`, { include });
    assert.match(told!, /^zones\/main.zone:1: expected a file in the folder/, outside);
  }
  assert.deepEqual(asked, []);
  assert.match(summary('$INCLUDE none.zone', { include })[0]!, /:1: there is no file "none.zone"/);
});

test('$GENERATE as BIND has it', () => {
  const text = `$TTL 5
$GENERATE 1-5/2 host-$ A 192.0.2.$
$GENERATE 9-10 n\${1,3} 60 IN CNAME x\${-9,2,x}.\${240,0,X}
$GENERATE 8-8 $$\\$\${0,4,o} TXT "a $" b
$GENERATE 26-26 \${0,4,n}ip6.arpa. PTR "p\${0,1,N}"`;
  assert.deepEqual(summary(text), [
    'host-1.exchange.test 5 A 192.0.2.1',
    'host-3.exchange.test 5 A 192.0.2.3',
    'host-5.exchange.test 5 A 192.0.2.5',
    'n010.exchange.test 60 CNAME x00.F9.exchange.test',
    'n011.exchange.test 60 CNAME x01.FA.exchange.test',
    '\\$\\$0010.exchange.test 5 TXT "a 8" "b"',
    'a.1.ip6.arpa 5 PTR pA.1.exchange.test',
  ]);
});

test('what is wrong is told with file, line and what was expected', () => {
  const golden: [text: string, problem: RegExp][] = [
    ['a 5 A 192.0.2', /^main:1: "192.0.2" is no A data: expected an IPv4 address$/],
    ['\n; x\na 5 A 192.0.2.1 192.0.2.2', /^main:3: .* is no A data/],
    ['a 5 B x', /^main:1: expected a record type, got "B"; .* TYPEn/],
    ['a 5', /^main:1: expected a record type, and the entry ends$/],
    ['a 5 A', /^main:1: A has no data$/],
    ['a 5 IN IN A 192.0.2.1', /expected a record type, got "IN"/],
    ['a 5 CH TXT x', /expected the class IN, got "CH"/],
    ['a 5x A 192.0.2.1', /expected a TTL such as 300 or 1h30m.*"5x"/],
    ['a 2147483648 A 192.0.2.1', /at most 2147483647 seconds/],
    ['a A 192.0.2.1', /has no TTL, and neither \$TTL nor/],
    [' 5 A 192.0.2.1', /begins with white space, and no owner/],
    ['a..b 5 A 192.0.2.1', /"a..b" has an empty label/],
    ['a 5 TYPE39 \\# 0', /^main:1: malformed DNAME data$/],
    ['a 5 ANY x', /ANY is for questions/],
    ['a 5 TYPE41 \\# 0', /TYPE41 is for questions/],
    ['a 5 TYPE0 \\# 0', /TYPE0 is for questions/],
    ['a 5 TYPE999 x', /expected data of TYPE999 as \\# length hex/],
    ['a 5 TYPE999 \\# 2 ab', /expected \\#, the number of octets and as many/],
    ['a 5 A \\# 3 c00002', /^main:1: malformed A data$/],
    ['a 5 MX \\# 4 000ac002', /malformed MX data/],
    ['\na 5 TXT "x\nb 5 A 192.0.2.1', /^main:2: a quote that is not closed on its line$/],
    ['a 5 TXT "x\\\nb 5 A 192.0.2.1', /^main:1: a quote that is not closed on its line$/],
    ['a 5 TXT (\nb\n', /^main:1: a "\(" that is not closed$/],
    ['a 5 TXT b)\n', /^main:1: a "\)" without a "\("/],
    [`a 5 TXT ${'x'.repeat(256)}`, /strings of at most 255 bytes/],
    ['a 5 TXT x"y"', /strings in double quotes/],
    ['$FOO', /^main:1: expected \$ORIGIN, \$TTL, \$INCLUDE or \$GENERATE, got "\$FOO"$/],
    ['$TTL', /expected \$TTL and a time/],
    ['$TTL 1x', /expected a TTL such as/],
    ['$ORIGIN a b', /expected \$ORIGIN and a name/],
    ['$GENERATE 1-2 a', /expected \$GENERATE, a range/],
    ['$GENERATE 2-1 a A 192.0.2.1', /expected a range such as/],
    ['$GENERATE 1-2/0 a A 192.0.2.1', /expected a range such as/],
    ['$GENERATE 0-100000 a A 192.0.2.1', /more than 100000 records/],
    [`$GENERATE 1-2 \${1 5 A 192.0.2.1`, /expected \$\{offset,width,base\}.*"\$\{1"/],
    [`$GENERATE 1-2 \${1,2,q} 5 A 192.0.2.1`, /expected \$\{offset,width,base\}/],
    [`$GENERATE 1-2 \${-2} 5 A 192.0.2.1`, /the offset -2 makes 1 negative/],
  ];
  for (const [text, problem] of golden) {
    const [first, ...rest] = read(text, { file: 'main' }).problems;
    assert.match(first ? formatProblems([first]) : 'nothing', problem, text);
    assert.deepEqual(rest, [], text);
  }
  const [unknown] = read('a 5 A 192.0.2.1', { origin: undefined }).problems;
  assert.match(unknown!.message, /neither \$ORIGIN nor the name of the zone/);
});

test('signatures of another server are left out, and told once', () => {
  const text =
    '$TTL 5\na A 192.0.2.1\n RRSIG A 13 2 5 2026 2025 1 x. AQID\n TYPE47 \\# 0\n NSEC b A';
  assert.deepEqual(summary(text), [
    'zones/main.zone:3: warning: RRSIG and the like are left out: who answers signs',
    'a.exchange.test 5 A 192.0.2.1',
  ]);
});

test('a file that is none at all stops after a hundred problems', () => {
  const { problems } = read('nothing\n'.repeat(1_000));
  assert.equal(problems.length, 100);
});

test('files that multiply are cut off', () => {
  let asked = 0;
  const include = (name: string) => {
    asked++;
    return name === '1111' ? '' : `$INCLUDE 1${name}\n`.repeat(20);
  };
  const { problems } = read('$INCLUDE 1\n'.repeat(20), { include });
  assert.equal(problems[0]!.message, 'more than 1000 files are included');
  assert.equal(problems.length, 1);
  assert.equal(asked, 1_000);
});

test('records are bounded, however few lines make them', () => {
  const { records, problems } = read('$GENERATE 1-9 a$ 5 A 192.0.2.1\nb 5 A 192.0.2.1\nc', {
    maximumRecords: 8,
  });
  assert.equal(records.length, 8);
  assert.deepEqual(
    problems.map(({ line, message }) => `${line} ${message}`),
    ['1 the zone has more than 8 records'],
  );
});

test('an entry over many lines ends where its parentheses do, or the limit is', () => {
  const { problems } = read(`a 5 TXT (${'\n"x"'.repeat(200_000)}`);
  assert.deepEqual(
    problems.map(({ line, message }) => `${line} ${message}`),
    ['1 a "(" that is not closed'],
  );
});

const fragments = fc.constantFrom(
  ...['$ORIGIN ', '$TTL ', '$INCLUDE ', '$GENERATE 1-3 ', 'a', '@', '*', '.', ' ', '\n', '\t'],
  ...['(', ')', '"', ';', '\\', '\\# 2 ', 'IN ', '5 ', 'A ', 'TXT ', 'SOA ', 'MX ', 'HTTPS 1 . '],
  ...['TYPE9 ', '192.0.2.1', `\${0,2,n}`, '$', 'alpn="h2"', '\\300', '\\256', '\u00e9', '\0', '\r'],
);

test('random text never crashes, and what is wrong has a line of the text', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fragments, { maxLength: 40 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const { problems } = read(text, { include: () => text });
      const lines = text.split('\n').length;
      for (const { line, message } of problems) {
        assert.ok(line >= 1 && line <= lines && message !== '');
      }
    }),
    { numRuns: 1_000 },
  );
});
