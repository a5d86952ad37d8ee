import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseName } from '../wire/name.ts';
import { typeName } from '../wire/records/registry.ts';
import { formatProblems } from './problems.ts';
import { checkZoneFile } from './zone-file.ts';

const origin = parseName('exchange.test');

/** Problems, then `owner type ttl ×records` of each set. */
function summary(text: string): string[] {
  const { zone, problems } = checkZoneFile({ file: 'z', text: `$TTL 60\n${text}`, origin });
  const told = problems.length > 0 ? formatProblems(problems).split('\n') : [];
  const sets = [...(zone?.nodes.values() ?? [])].flat();
  const lines = sets.map(
    ({ owner, type, ttlSeconds, records }) =>
      `${owner} ${typeName(type)} ${ttlSeconds} ×${records.length}`,
  );
  return [...told, ...lines];
}

test('records become sets: duplicates are dropped, the lowest TTL counts', () => {
  const text = `a A 192.0.2.1
A A 192.0.2.1
a 30 A 192.0.2.2
b MX 10 Mail
b MX 10 mail
a AAAA 2001:db8::1
mail A 192.0.2.9`;
  assert.deepEqual(summary(text), [
    'z:4: warning: A of a.exchange.test has TTLs 60 and 30: the lowest counts (RFC 2181 5.2)',
    'a.exchange.test A 30 ×2',
    'a.exchange.test AAAA 60 ×1',
    'b.exchange.test MX 60 ×1',
    'mail.exchange.test A 60 ×1',
  ]);
});

test('what no zone can hold is an error at its line', () => {
  const golden: [text: string, problem: RegExp][] = [
    ['a.example. A 192.0.2.1', /^z:2: a.example is not in the zone exchange.test$/],
    ['xexchange.test. A 192.0.2.1', /is not in the zone/],
    ['a SOA ns dns 1 2 3 4 5', /^z:2: SOA stands at the apex of the zone/],
    ['@ SOA ns dns 1 2 3 4 5\n@ SOA ns dns 2 2 3 4 5', /^z:3: exchange.test has another SOA/],
    ['a CNAME b\na CNAME c', /^z:3: a.exchange.test has another CNAME already$/],
    ['a CNAME b\na A 192.0.2.1', /^z:3: a CNAME stands alone, and a.exchange.test has CNAME too$/],
    ['a A 192.0.2.1\na CNAME b', /^z:3: a CNAME stands alone, and a.exchange.test has A too$/],
    ['@ CNAME b', /^z:2: a CNAME stands alone, and the apex has SOA and NS$/],
    [`@ DS 1 13 2 ${'00'.repeat(32)}`, /^z:2: DS stands beside the delegation, in the zone above$/],
    ['*.a NS ns.example.', /^z:2: a wildcard cannot delegate/],
    ['a DNAME b\na DNAME c', /^z:3: a.exchange.test has another DNAME already$/],
    ['a DNAME b\na CNAME c', /^z:3: a CNAME stands alone, and a.exchange.test has DNAME too$/],
    ['a NS ns.example.\na DNAME b', /^z:3: a.exchange.test has both NS and DNAME, which/],
    [
      Array.from({ length: 300 }, (_, i) => `a TXT ${i}${'x'.repeat(240)}`).join('\n'),
      /^z:248: TXT of a.exchange.test has more than 60000 octets/,
    ],
  ];
  for (const [text, problem] of golden) {
    const [first, ...rest] = checkZoneFile({
      file: 'z',
      text: `$TTL 60\n${text}`,
      origin,
    }).problems;
    assert.match(first ? formatProblems([first]) : 'nothing', problem, text.slice(0, 80));
    assert.deepEqual(rest, [], text.slice(0, 80));
  }
});

test('what is surely a slip is a warning', () => {
  const golden: [text: string, problem: RegExp | undefined][] = [
    [`lab NS ns.lab\nns.lab A 192.0.2.1\nlab DS 1 13 2 ${'00'.repeat(32)}`, undefined],
    ['lab NS ns.example.\nlab TXT x', /^z:3: warning: lab.exchange.test is delegated/],
    ['lab NS ns.example.\na.b.lab TXT x', /^z:3: .* answers a.b.lab.exchange.test too/],
    ['lab NS ns.lab', /^z:2: warning: NS names ns.lab.exchange.test, which has no address/],
    ['lab NS ns.other\nother NS ns.example.', undefined],
    ['@ NS ns', /which has no address/],
    [
      'a DNAME b\nx.a A 192.0.2.1',
      /^z:3: warning: a.exchange.test has a DNAME: x.a.exchange.test is/,
    ],
    ['*.a DNAME b', /^z:2: warning: a wildcard does not redirect/],
    ['@ MX 0 .', undefined],
    ['@ MX 5 mail\nmail CNAME a.example.', /MX names mail.exchange.test, which is an alias/],
    ['_s._tcp SRV 0 0 1 a.wild\n*.wild A 192.0.2.1', undefined],
  ];
  for (const [text, problem] of golden) {
    const [told] = summary(text);
    if (problem) assert.match(told!, problem, text);
    else assert.doesNotMatch(told!, /warning/, text);
  }
});

test('the zone is the one that was named, else that of the SOA', () => {
  const text = '$TTL 5\n$ORIGIN a.test.\n@ SOA ns dns 1 2 3 4 5\n@ NS ns.example.';
  assert.equal(String(checkZoneFile({ file: 'z', text }).zone?.apex), 'a.test');
  assert.ok(checkZoneFile({ file: 'z', text, origin }).hasErrors);
  const { problems } = checkZoneFile({ file: 'z', text: '$TTL 5\n$ORIGIN a.test.\na TXT x' });
  assert.equal(formatProblems(problems), 'z:1: there is no SOA that would name the zone');
});
