import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeLease, parseLease } from './lease-document.ts';
import { LeaseMachine } from './lease-machine.ts';
import {
  active,
  heldBy,
  look,
  machine,
  settings,
  terms,
  well,
  write,
} from './testdata/machines.ts';

test('a claim counts from when its write was sent, and ends by itself', () => {
  const one = active();
  assert.equal(one.activeAt(4_499), true);
  assert.equal(one.activeAt(4_500), false);
});

test('it renews at a third of the lease, by compare-and-set, with the same token', () => {
  const one = active();
  assert.equal(look(one, 1_600, well), undefined);
  const renewal = write(look(one, 1_667, well));
  assert.deepEqual([renewal.kind, renewal.expectedRevision], ['renew', 8]);
  assert.equal(renewal.document.token, 3);
  one.wrote({ kind: 'unknown' }, 4_400);
  assert.equal(one.activeAt(4_500), false, 'what may have been written gives nothing');
});

test('a claim is no longer than what was written, whatever the settings became meanwhile', () => {
  for (const change of [{ leaseMs: 60_000 }, { hold: true }]) {
    const one = active();
    assert.equal(look(one, 1_667, well)?.kind, 'renew');
    one.reconfigure({ ...settings, ...change });
    one.wrote({ kind: 'confirmed', revision: 9 }, 1_700);
    assert.equal(one.untilMs, 1_667 + 4_500);
    const next = write(look(one, 1_800, well));
    assert.equal(next.kind, 'renew', 'the new terms are written at once');
    assert.deepEqual(next.document.nodes.eu, { ...terms, ...change, follows: 9 });
    one.wrote({ kind: 'confirmed', revision: 10 }, 1_900);
    assert.equal(one.untilMs, 'hold' in change ? Number.POSITIVE_INFINITY : 1_800 + 59_500);
  }
});

test('another entry ends a claim at once, even a later one of the same holder without the node', () => {
  for (const document of [heldBy('us'), heldBy('eu', { other: terms }), undefined]) {
    const one = active();
    one.observe({ revision: 9, document }, 100);
    assert.equal(one.activeAt(100), false);
    one.wrote({ kind: 'confirmed', revision: 8 }, 101);
    assert.equal(one.activeAt(101), false);
  }
});

test('an older entry that comes late changes nothing', () => {
  const one = active();
  one.observe({ revision: 6, document: heldBy('us') }, 100);
  assert.equal(one.activeAt(100), true);
  assert.equal(one.other, undefined);
});

test('another region takes over after the lease and the margin from when it saw the last word', () => {
  const one = machine('us');
  one.observe({ revision: 7, document: heldBy('eu') }, 1_000);
  assert.equal(look(one, 6_499, well), undefined);
  const taking = write(look(one, 6_500, well));
  assert.deepEqual([taking.kind, taking.expectedRevision], ['acquire', 7]);
  one.wrote({ kind: 'confirmed', revision: 12 }, 6_600);
  assert.equal(one.token, 12, 'the token is the revision that began the tenure');
  assert.equal(one.untilMs, 11_000);
});

test('it waits as long as the holder said that it needs, and the margin grows with that', () => {
  const one = machine('us');
  const nodes = { a: { leaseMs: 20_000, hold: false }, b: terms };
  one.observe({ revision: 7, document: heldBy('eu', nodes) }, 0);
  assert.equal(look(one, 21_999, well), undefined);
  assert.equal(look(one, 22_000, well)?.kind, 'acquire');
});

test('without a quorum for its health it is not promoted, nor while it leaves', () => {
  for (const facts of [{ promotable: false }, { leaving: true }]) {
    const one = machine('us');
    one.observe({ revision: 7, document: heldBy('eu') }, 0);
    assert.equal(look(one, 60_000, { ...well, ...facts }), undefined);
    assert.match(one.reasonAt(60_000), /not healthy by quorum/);
  }
});

test('of several that could, those that come first in the list have a lease of time to do so', () => {
  const one = machine('us', { regions: ['ap', 'us', 'eu'] });
  one.observe({ revision: 7, document: heldBy('eu') }, 0);
  assert.equal(look(one, 10_499, well), undefined);
  assert.match(one.reasonAt(10_499), /ap comes first/);
  assert.equal(look(one, 10_500, well)?.kind, 'acquire');
  const sick = { ...well, healthy: (region: string) => region !== 'ap' };
  const other = machine('us', { regions: ['ap', 'us', 'eu'] });
  other.observe({ revision: 7, document: heldBy('eu') }, 0);
  assert.equal(look(other, 5_500, sick)?.kind, 'acquire');
});

test('an unhealthy region hands over: it stops, gives up, and the other need not wait', () => {
  const one = active();
  const release = write(look(one, 200, { ...well, failing: true }));
  assert.equal(one.activeAt(200), false, 'it stops before it gives up');
  assert.deepEqual(
    [release.kind, release.document.nodes, release.document.to],
    ['release', {}, 'us'],
  );
  const other = machine('us');
  other.observe({ revision: 9, document: release.document }, 250);
  assert.equal(other.other, undefined);
  assert.equal(look(other, 250, well)?.kind, 'acquire');
});

test('an unhealthy region without a healthy one to follow stays', () => {
  const one = active();
  const facts = { ...well, failing: true, healthy: () => false };
  assert.equal(look(one, 2_000, facts)?.kind, 'renew');
});

test('of several nodes each is in the entry until it has stopped', () => {
  const one = active({}, { eu: terms, second: terms });
  const release = write(look(one, 200, { ...well, failing: true }));
  assert.deepEqual(Object.keys(release.document.nodes), ['second']);
  const other = machine('us');
  other.observe({ revision: 9, document: release.document }, 250);
  assert.equal(look(other, 300, well), undefined);
});

test('a sibling joins with its own write, and is not active before', () => {
  const one = machine('eu', {}, 'second');
  one.observe({ revision: 7, document: heldBy('eu') }, 0);
  assert.equal(one.activeAt(0), false);
  const joining = write(look(one, 0, well));
  assert.deepEqual(Object.keys(joining.document.nodes).sort(), ['eu', 'second']);
  one.wrote({ kind: 'confirmed', revision: 8 }, 10);
  assert.equal(one.activeAt(10), true);
});

test('`hold`: it goes on without the store, and nobody is promoted by time', () => {
  const one = active({ hold: true });
  assert.equal(one.activeAt(1e9), true);
  const other = machine('us');
  other.observe({ revision: 8, document: heldBy('eu', { eu: { leaseMs: 5_000, hold: true } }) }, 0);
  assert.equal(look(other, 1e9, well), undefined);
});

test('terms that become shorter hold from the moment they are sent', () => {
  const one = active({ leaseMs: 60_000, hold: true });
  one.reconfigure(settings);
  assert.equal(one.activeAt(50_000), true, 'the store still says what it said');
  assert.equal(look(one, 50_000, well)?.kind, 'renew');
  one.wrote({ kind: 'unknown' }, 53_000);
  assert.equal(one.activeAt(54_499), true);
  assert.equal(one.activeAt(54_500), false);
});

test('the first region gets it back where that is wanted, once it has been well for a while', () => {
  const facts = { ...well };
  const one = new LeaseMachine({
    settings: { ...settings, prefer: 'first' },
    region: 'us',
    node: 'us',
  });
  one.observe({ revision: 7, document: heldBy('us') }, 0);
  const kinds: string[] = [];
  for (let atMs = 0; atMs < 32_000; atMs += 500) {
    const action = look(one, atMs, facts);
    if (!action) continue;
    kinds.push(action.kind);
    one.wrote({ kind: 'confirmed', revision: 8 + kinds.length }, atMs);
    if (action.kind === 'release') break;
  }
  assert.equal(kinds.at(-1), 'release');
  assert.equal(one.other, 'eu');
});

test('what is in the store is judged before it is believed', () => {
  const document = heldBy('eu');
  assert.deepEqual(parseLease(encodeLease(document)), document);
  const cases = [
    '',
    '{',
    '[]',
    'null',
    '{"version":2}',
    '{"version":1,"holder":"eu"}',
    '{"version":1,"holder":"eu","since":0,"nodes":{"a":{"leaseMs":1e12,"hold":false}}}',
    '{"version":1,"holder":"eu","since":0,"nodes":{"a":{"leaseMs":0,"hold":false}}}',
    '{"version":1,"holder":"eu","since":0,"nodes":{"__proto__":{"leaseMs":5,"hold":false}}}',
    '{"version":1,"holder":"eu\\n","since":0,"nodes":{}}',
    '{"version":1,"holder":"eu","token":-1,"since":0,"nodes":{}}',
    `{"version":1,"holder":"eu","since":0,"nodes":{},"x":"${'y'.repeat(20_000)}"}`,
  ];
  for (const text of cases)
    assert.equal(parseLease(Buffer.from(text)), undefined, text.slice(0, 90));
});

test('whatever it writes can be read back, by a wrong wall clock too', () => {
  for (const wallMs of [1_700_000_000_000.5, -3.2, 0]) {
    const one = machine('us');
    one.observe({ revision: 7, document: heldBy('eu') }, 0);
    const { document } = write(look(one, 60_000, { ...well, wallMs }));
    assert.deepEqual(parseLease(encodeLease(document)), document);
  }
});
