import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { commandPath, requireCommand } from '../../../test/support/requirements.ts';
import { atOnce } from '../../base/steps.ts';
import { parseName } from '../wire/name.ts';
import { rdataBytes } from '../wire/records/record-type.ts';
import { typeName } from '../wire/records/registry.ts';
import { formatProblems, ZoneFileProblems } from './problems.ts';
import { readZoneFile } from './reader.ts';
import { checkZoneFile } from './zone-file.ts';

const origin = parseName('exchange.test');
const folder = mkdtempSync(join(tmpdir(), 'meridian-bind-'));
after(() => rmSync(folder, { recursive: true }));

const pick = <T>(...values: T[]) => fc.constantFrom(...values);
const label = pick('a', 'B', 'c-d', '_x', '*', 'x\\.y', '\\065', 'q\\;', '0', '\\000', 'z');
/** Relative or absolute, in the zone; no name repeats the zone without its final dot. */
const name = fc
  .tuple(fc.array(label, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([labels, absolute]) => labels.join('.') + (absolute ? '.exchange.test.' : ''));
const owner = fc.oneof({ weight: 4, arbitrary: name }, pick('', '', '@'));
const target = fc.oneof(name, pick('@', '.', 'ns.example.net.', 'WWW.Example.Net.'));
const ttl = pick('', '', '5', '0', '1h', '1H30m', '2w', '1d12h5s');
const ownClass = pick('', '', 'IN', 'in', 'CLASS1');
const blank = pick(' ', '\t', '  \t');
const comment = pick('', '', ' ; text "(', ';');
const text = fc.oneof(
  pick(
    'plain',
    '"two words"',
    '""',
    '"a;b(c)"',
    'e\\"x',
    '"\\"q\\\\"',
    '\\200x',
    '"\\009"',
    'a\\;b',
    '"tab\there"',
  ),
  fc.stringMatching(/^[a-zA-Z0-9+/=_-]{1,30}$/),
);
const small = fc.integer({ min: 0, max: 65_535 });
const byte = fc.integer({ min: 0, max: 255 });
const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((octets) => Buffer.from(octets).toString('hex'));
const address = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join('.'));

/** Type and the words of its data. */
const data: fc.Arbitrary<string[]> = fc.oneof(
  address.map((one) => ['A', one]),
  fc.ipV6().map((one) => ['aaaa', one]),
  target.map((one) => ['PTR', one]),
  fc.tuple(small, target).map(([preference, one]) => ['MX', `${preference}`, one]),
  fc.array(text, { minLength: 1, maxLength: 4 }).map((texts) => ['TXT', ...texts]),
  fc.array(text, { minLength: 1, maxLength: 2 }).map((texts) => ['SPF', ...texts]),
  fc.tuple(text, text).map((texts) => ['HINFO', ...texts]),
  fc
    .tuple(small, small, small, target)
    .map(([a, b, c, one]) => ['SRV', `${a}`, `${b}`, `${c}`, one]),
  fc.tuple(byte, text).map(([flags, value]) => ['CAA', `${flags}`, 'issue', value]),
  fc
    .tuple(byte, byte, hex(9))
    .map(([a, b, octets]) => ['TLSA', `${a}`, `${b}`, '9', octets.slice(0, 7), octets.slice(7)]),
  fc
    .tuple(small, byte, hex(32))
    .map(([tag, algorithm, octets]) => [
      'DS',
      `${tag}`,
      `${algorithm}`,
      '2',
      octets.slice(0, 5),
      octets.slice(5),
    ]),
  fc.tuple(byte, hex(20)).map(([algorithm, octets]) => ['SSHFP', `${algorithm}`, '1', octets]),
  fc
    .tuple(small, small, text)
    .map(([a, b, flags]) => ['NAPTR', `${a}`, `${b}`, '"u"', flags, '"!^.*$!x!"', '.']),
  fc.tuple(small, small).map(([a, b]) => ['URI', `${a}`, `${b}`, '"https://example.com/?q;"']),
  fc
    .tuple(fc.integer({ min: 1, max: 65_535 }), target, small)
    .map(([a, one, port]) => ['HTTPS', `${a}`, one, 'alpn="h2,h3"', `port=${port}`]),
  fc
    .tuple(small, hex(7))
    .map(([, octets]) => ['TYPE731', '\\#', '7', octets.slice(0, 4), octets.slice(4)]),
  address.map((one) => [
    'TYPE1',
    '\\#',
    '4',
    Buffer.from(one.split('.').map(Number)).toString('hex'),
  ]),
);

/** One record: words with blanks, comments and parentheses between them. */
const record = fc
  .record({
    owner,
    ttl,
    ownClass,
    data,
    blank,
    comment,
    swap: fc.boolean(),
    open: fc.nat(3),
    close: fc.boolean(),
  })
  .map(({ owner, ttl, ownClass, data, blank, comment, swap, open, close }) => {
    const front = (swap ? [ttl, ownClass] : [ownClass, ttl]).filter((word) => word !== '');
    const [type, ...words] = data;
    const at = open % (words.length + 1);
    const inner = [
      ...words.slice(0, at),
      `(${comment}\n`,
      ...words.slice(at),
      close ? `${comment}\n)` : ')',
    ];
    const all = [...front, type!, ...(open === 0 ? words : inner)];
    // BIND takes no DS at the apex, which an owner that is left out may be.
    return `${type === 'DS' ? 'ds' : owner}${blank}${all.join(blank)}${comment}\n`;
  });

const generated = fc
  .tuple(
    fc.nat(20),
    fc.nat(9),
    fc.integer({ min: 1, max: 4 }),
    pick('d', 'o', 'x', 'X', 'n', 'N'),
    pick(0, 1, 3, 5),
  )
  .map(([start, more, step, base, width]) => {
    // BIND adds the offset of one place to a bare `$` after it too: none comes after.
    const place = `\${${start},${width},${base}}`;
    return `$GENERATE ${start}-${start + more}/${step} g$-${place}.h 60 CNAME "t$.${place}"\n`;
  });

const entry = fc.oneof(
  { weight: 30, arbitrary: record },
  { weight: 1, arbitrary: generated },
  {
    weight: 1,
    arbitrary: pick(
      '$TTL 77\n',
      '$TTL 2h\n',
      '\n',
      '; ( "\n',
      '  \t\n',
      '$ORIGIN sub\n',
      '$ORIGIN exchange.test.\n',
      '$origin @\n',
    ),
  },
);

/** `owner type` of the sets with several TTLs: BIND takes the first of them, we the lowest. */
function mixedTtls(text: string): ReadonlySet<string> {
  const ttls = new Map<string, number>();
  const mixed = new Set<string>();
  for (const { owner, type, ttlSeconds } of atOnce(
    readZoneFile({ file: 'z', text, origin }, new ZoneFileProblems()),
  )) {
    const set = `${owner.key} ${type}`;
    if ((ttls.get(set) ?? ttlSeconds) !== ttlSeconds) mixed.add(set);
    ttls.set(set, ttlSeconds);
  }
  return mixed;
}

/** `owner ttl type octets` of every record, sorted. */
function contentOf(text: string, mixed: ReadonlySet<string>): string[] {
  const { zone, problems, hasErrors } = checkZoneFile({ file: 'z', text, origin });
  const errors = problems.filter(({ severity }) => severity === 'error');
  assert.equal(hasErrors, false, formatProblems(errors));
  return [...(zone?.nodes.values() ?? [])]
    .flat()
    .flatMap(({ owner, type, ttlSeconds, records }) => {
      const ttl = mixed.has(`${owner.key} ${type}`) ? 'mixed' : ttlSeconds;
      const front = `${owner.toString().toLowerCase()} ${ttl} ${typeName(type)}`;
      return records.map((data) => `${front} ${rdataBytes(data).toString('hex')}`);
    })
    .sort();
}

const options = { skip: requireCommand('named-compilezone') ?? false };

test('random zones come out of BIND as they come out of here', options, () => {
  const check = [
    '-q',
    '-i',
    'none',
    '-k',
    'ignore',
    '-n',
    'ignore',
    '-M',
    'ignore',
    '-S',
    'ignore',
    '-T',
    'ignore',
    '-r',
    'ignore',
  ];
  const [file, out] = [join(folder, 'in'), join(folder, 'out')];
  const compile = [...check, '-s', 'full', '-o', out, 'exchange.test', file];
  fc.assert(
    fc.property(fc.array(entry, { minLength: 200, maxLength: 400 }), (entries) => {
      const text = `$TTL 60\n@ SOA ns dns ( 7 1h 5m\n1w 5s )\n NS ns.example.net.\n${entries.join('')}`;
      writeFileSync(file, text);
      execFileSync(commandPath('named-compilezone')!, compile, { stdio: 'pipe' });
      const mixed = mixedTtls(text);
      assert.deepEqual(contentOf(text, mixed), contentOf(readFileSync(out, 'utf8'), mixed));
    }),
    { numRuns: 8, endOnFailure: true },
  );
});
