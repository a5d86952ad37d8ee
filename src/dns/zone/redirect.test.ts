import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatZoneKeys, ZoneKey } from '../dnssec/zone-key.ts';
import { compileDnsData } from '../server/data.ts';
import { QueryOrigin } from '../server/query-origin.ts';
import { Responder } from '../server/responder.ts';
import { createExchange } from '../testdata/exchange.ts';
import { rawQuery } from '../testdata/raw-query.ts';
import { decodeMessage } from '../wire/message.ts';

const long = 'x'.repeat(60);
const file = `$TTL 60
@ NS ns.example.
www A 192.0.2.1
old DNAME new
old A 192.0.2.2
*.new A 192.0.2.3
away DNAME example.net.
round DNAME and.round
long DNAME ${long}.${long}
lab NS ns.lab
ns.lab A 192.0.2.53
to.lab DNAME www
chain CNAME a.old
head CNAME old
`;

function createResponder(dnssec?: { keys: string }) {
  const zone = { file: 'z', contents: { z: file }, ...(dnssec && { dnssec }) };
  const { options } = createExchange({
    'dname.test': zone,
    'apex.test': { file: 'z', contents: { z: '@ 60 NS ns.example.\n@ 60 DNAME dname.test.\n' } },
  });
  const zoneKeys = { 'dname.test': formatZoneKeys([ZoneKey.generate('csk', 'active')]) };
  return new Responder(compileDnsData({ ...options, zoneKeys }));
}

const output = Buffer.alloc(65_535);

/** RCODE and AA, then the answer and NS of the authority. */
function ask(responder: Responder, name: string, type = 'A', dnssecOk = false): string {
  const query = rawQuery({ name, type, options: [], dnssecOk });
  const length = responder.respond(query, query.length, new QueryOrigin('tcp', '::1'), output);
  const { rcode, flags, answers, authority } = decodeMessage(
    Buffer.from(output.subarray(0, length)),
  );
  const written = [...answers, ...authority.filter(({ type }) => type === 'NS')].map(
    ({ name, type, data }) => `${name.replace('.dname.test', '')} ${type} ${data.slice(0, 40)}`,
  );
  return [`${rcode}${flags.authoritative ? ' aa' : ''}`, ...written].join(', ');
}

test('what is below a DNAME is elsewhere (RFC 6672 3.2)', () => {
  const responder = createResponder();
  const old = 'old DNAME new.dname.test';
  const golden: [question: string, answer: string][] = [
    ['a.old A', `0 aa, ${old}, a.old CNAME a.new.dname.test, a.new A 192.0.2.3`],
    [
      'A.b.OLD A',
      `0 aa, OLD ${old.slice(4)}, A.b.OLD CNAME a.b.new.dname.test, a.b.new A 192.0.2.3`,
    ],
    ['a.old TXT', `0 aa, ${old}, a.old CNAME a.new.dname.test`],
    ['a.old CNAME', `0 aa, ${old}, a.old CNAME a.new.dname.test`],
    ['a.old ANY', `0 aa, ${old}, a.old CNAME a.new.dname.test`],
    ['a.old DNAME', `0 aa, ${old}, a.old CNAME a.new.dname.test`],
    ['old A', '0 aa, old A 192.0.2.2'],
    ['old DNAME', `0 aa, ${old}`],
    ['old TXT', '0 aa'],
    [
      'chain A',
      `0 aa, chain CNAME a.old.dname.test, ${old}, a.old CNAME a.new.dname.test, a.new A 192.0.2.3`,
    ],
    ['head A', '0 aa, head CNAME old.dname.test, old A 192.0.2.2'],
    ['x.away A', '0 aa, away DNAME example.net, x.away CNAME x.example.net'],
    ['x.to.lab A', '0, lab NS ns.lab.dname.test'],
  ];
  for (const [question, answer] of golden) {
    const [name, type] = question.split(' ');
    assert.equal(ask(responder, `${name}.dname.test`, type), answer, question);
  }
  assert.equal(
    ask(responder, 'www.apex.test'),
    '0 aa, apex.test DNAME dname.test, www.apex.test CNAME www.dname.test, www A 192.0.2.1',
  );
  assert.match(ask(responder, 'none.apex.test'), /^3 aa, apex.test DNAME/);
});

test('a name that gets too long is YXDOMAIN; one that never ends, ends', () => {
  const responder = createResponder();
  const name = `${long}.long.dname.test`;
  assert.match(ask(responder, `${long}.a.${name}`), /^6 aa, long DNAME x+/);
  assert.match(ask(responder, name), /^3 aa, long DNAME [^,]*, x[^,]* CNAME x[^,]*$/);
  const steps = ask(responder, 'a.round.dname.test').split(', ').slice(1);
  assert.equal(steps.filter((step) => step.includes('DNAME')).length, 1);
  assert.equal(steps.length, 18);
});

test('of a signed zone the DNAME is signed and the alias made from it is not', () => {
  const types = (name: string) =>
    ask(createResponder({ keys: 'anywhere' }), name, 'A', true)
      .split(', ')
      .slice(1)
      .map((record) => record.split(' ')[1]);
  assert.deepEqual(types('a.old.dname.test'), ['DNAME', 'TYPE46', 'CNAME', 'A', 'TYPE46']);
  assert.deepEqual(types('x.away.dname.test'), ['DNAME', 'TYPE46', 'CNAME']);
});

test('name servers that a DNAME hides are refused, of a zone file too (RFC 6672 2.3)', () => {
  const compile = (zone: object) => compileDnsData(createExchange({ 'a.test': zone }).options);
  const file = (text: string) => ({ file: 'z', contents: { z: `$TTL 60\n${text}\n` } });
  const moved = file('@ DNAME dname.test.');
  assert.throws(() => compile(moved), {
    code: 'bad_zone',
    message:
      /^zones\["a\.test"]: the name server ns-us-east-1\.a\.test is below the DNAME of a\.test/,
  });
  const below = { ...file('old DNAME dname.test.'), nameservers: ['ns.old.a.test'] };
  assert.throws(() => compile(below), /ns\.old\.a\.test is below the DNAME of old\.a\.test/);
  for (const nameservers of [['ns.example.net'], ['old.a.test']]) {
    compile({ ...file('old DNAME dname.test.\nold A 192.0.2.1'), nameservers });
  }
  compile({ ...moved, nameservers: ['ns.example.net'] });
});
