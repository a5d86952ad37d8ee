import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wished } from './hand-over.ts';
import { type LeaseDocument, mostNodes } from './lease-document.ts';
import { heldBy, look, machine, Register, settings, well, write } from './testdata/machines.ts';

const hold = { hold: true };
const holds = { leaseMs: 5_000, hold: true };
const dead = { silent: ['b'], highestRevision: 0 };
const names = (document: LeaseDocument | undefined) => Object.keys(document?.nodes ?? {}).sort();

/** Two nodes of eu that hold, and one of us. */
function world() {
  const [one, two, us] = [machine('eu', hold, 'a'), machine('eu', hold, 'b'), machine('us', hold)];
  const register = new Register([one, two, us], 7, heldBy('eu', { a: holds, b: holds }));
  register.pass(3_000);
  assert.deepEqual(
    [one.untilMs, two.untilMs],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  );
  return { one, two, us, register };
}

test('a hand-over takes the word of each node that holds, the last one lets go', () => {
  const { one, two, us, register } = world();
  register.put({ ...register.document!, to: 'us' });
  register.pass(500);
  const { atMs } = register;
  assert.deepEqual(
    [one, two, us].map((each) => each.activeAt(atMs)),
    [false, false, true],
  );
});

test('while a sibling that holds is dead the region stays active, says why, and holds again', () => {
  const { one, us, register } = world();
  const living = [one, us];
  register.put({ ...register.document!, to: 'us' });
  for (let step = 0; step < 200; step++) {
    register.pass(100, living);
    assert.ok(one.activeAt(register.atMs), `nobody is active at ${register.atMs}`);
  }
  assert.deepEqual(names(register.document), ['a', 'b']);
  assert.equal(register.document?.to, undefined, 'the wish is over');
  assert.equal(one.untilMs, Number.POSITIVE_INFINITY);
  assert.equal(
    one.reasonAt(register.atMs),
    'holds the lease; not handed over to us: b holds on, unheard',
  );
  assert.deepEqual(us.silentHolders(register.atMs), ['b']);
  assert.match(us.reasonAt(register.atMs), /^b and a hold on, of eu/);
});

test('an unhealthy region does not hand over either, and does as soon as the sibling is back', () => {
  const { one, two, us, register } = world();
  const facts = (each: unknown) => ({ ...well, failing: each !== us });
  register.pass(20_000, [one, us], facts);
  assert.ok(one.activeAt(register.atMs));
  register.pass(1_000, [one, two, us], facts);
  assert.deepEqual(
    [one, two, us].map((each) => each.activeAt(register.atMs)),
    [false, false, true],
  );
});

test('where the store is lost in the middle of it, who yielded stops with its lease', () => {
  const { one, register } = world();
  register.put({ ...register.document!, to: 'us' });
  const yielding = write(one.tick(register.atMs, well));
  assert.deepEqual(
    [yielding.kind, yielding.document.to, yielding.document.nodes.a?.hold],
    ['renew', 'us', false],
  );
  one.wrote({ kind: 'unknown' }, register.atMs + 3_000);
  assert.ok(one.activeAt(register.atMs + 4_499));
  assert.ok(!one.activeAt(register.atMs + 4_500), 'it may have been written');
});

test('by force nobody waits for the dead: it is handed over after a lease', () => {
  const { one, us, register } = world();
  register.pass(20_000, [one, us]);
  const { revision, document } = register;
  register.put(wished({ revision, document: document! }, { to: 'us', force: true }, dead));
  register.pass(5_400, [one, us]);
  assert.deepEqual(
    [one, us].map((each) => each.activeAt(register.atMs)),
    [false, false],
  );
  register.pass(400, [one, us]);
  assert.ok(us.activeAt(register.atMs));
});

test('by force to where it is, the dead are forgotten, and who lives goes on', () => {
  const { one, us, register } = world();
  register.pass(20_000, [one, us]);
  const { revision, document } = register;
  register.put(wished({ revision, document: document! }, { to: 'eu', force: true }, dead));
  for (let step = 0; step < 200; step++) {
    register.pass(100, [one, us]);
    assert.ok(one.activeAt(register.atMs));
  }
  assert.deepEqual(names(register.document), ['a']);
  register.put({ ...register.document!, to: 'us' });
  register.pass(300, [one, us]);
  assert.ok(us.activeAt(register.atMs));
});

test('a dead sibling that does not hold is left out once its lease is over, and not before', () => {
  const [one, us] = [machine('eu', {}, 'a'), machine('us')];
  const dead = { leaseMs: 5_000, hold: false, follows: 5 };
  const register = new Register([one, us], 7, heldBy('eu', { a: dead, b: dead }));
  register.pass(5_400);
  assert.deepEqual(names(register.document), ['a', 'b']);
  register.pass(2_000);
  assert.deepEqual(names(register.document), ['a']);
});

test('one whose own word was taken from it stops holding when it sees that', () => {
  const { one, register } = world();
  const nodes = { a: { ...holds, hold: false }, b: { ...holds, hold: false } };
  one.observe({ revision: register.revision + 1, document: heldBy('eu', nodes) }, 9_000);
  assert.ok(one.untilMs < 9_000, 'its last word is older than a lease');
});

test('a write that was sent before the machine slept gives no hold when it wakes', () => {
  const one = machine('eu', hold);
  one.observe({ revision: 7, document: heldBy('eu', { eu: holds }) }, -100);
  assert.equal(one.tick(0, well)?.kind, 'renew');
  one.interrupted();
  one.wrote({ kind: 'confirmed', revision: 8 }, 40);
  assert.equal(one.activeAt(40), false);
  assert.equal(one.tick(100, well)?.kind, 'renew');
  one.wrote({ kind: 'confirmed', revision: 9 }, 140);
  assert.equal(one.untilMs, Number.POSITIVE_INFINITY);
});

test('nodes of another region may have the same names', () => {
  const us = machine('us', hold, 'a');
  const register = new Register([us], 7, heldBy('eu', { a: holds }));
  register.pass(6_000);
  assert.deepEqual(us.silentHolders(register.atMs), ['a']);
});

test('it does not join an entry that could not be read back', () => {
  const full = Array.from({ length: mostNodes }, (_, at) => [`n${at}`, holds]);
  const one = machine('eu', hold);
  one.observe({ revision: 7, document: heldBy('eu', Object.fromEntries(full)) }, 0);
  assert.equal(look(one, 0), undefined);
  assert.match(one.reasonAt(0), /room for no more/);
});

test('who has to stop does, though a sibling holds: nobody else is active by itself then', () => {
  const { one, us, register } = world();
  register.pass(20_000, [one, us]);
  one.reconfigure({ ...settings, ...hold, regions: ['us', 'ap'] });
  assert.ok(!one.activeAt(register.atMs));
  register.pass(60_000, [one, us]);
  assert.ok(!us.activeAt(register.atMs));
  assert.match(us.reasonAt(register.atMs), /^b holds on, of eu/);
});
