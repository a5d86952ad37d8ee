import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wished } from './hand-over.ts';
import type { LeaseDocument } from './lease-document.ts';
import type { LeaseMachine } from './lease-machine.ts';
import { heldBy, machine, Register, well } from './testdata/machines.ts';

const terms = { leaseMs: 5_000, hold: false };
const held = (holder: string, token: number, nodes?: LeaseDocument['nodes']): LeaseDocument => ({
  ...heldBy(holder, nodes),
  token,
});

/** Active in eu for a while, at about revision 5000. */
function world(over = {}) {
  const [eu, us] = [machine('eu', over), machine('us', over)];
  const register = new Register([eu, us], 5_000, held('eu', 4_000));
  register.pass(6_000);
  assert.ok(eu.activeAt(register.atMs));
  return { eu, us, register };
}

const active = ({ atMs }: Register, ...machines: LeaseMachine[]) =>
  machines.map((one) => one.activeAt(atMs));

test('who is active goes on over a store that was set back, or made anew', () => {
  for (const [revision, document] of [
    [3_000, held('eu', 2_000)],
    [0, undefined],
    [3_000, held('us', 2_000, {})],
  ] as const) {
    const { eu, us, register } = world();
    register.setBack(revision, document);
    for (let step = 0; step < 300; step++) {
      register.pass(100);
      assert.deepEqual(active(register, eu, us), [true, false], `at ${register.atMs}`);
    }
    assert.equal(register.document?.token, 4_000, 'one tenure');
    assert.equal(eu.token, 4_000);
  }
});

test('where another region stands it stops; nobody is active before a lease, and tokens rise', () => {
  const { eu, us, register } = world();
  register.setBack(3_000, held('us', 2_000));
  register.pass(2_000, [eu]);
  assert.deepEqual(active(register, eu), [false]);
  assert.match(eu.reasonAt(register.atMs), /set back: who was active before may still be/);
  register.pass(3_400, [eu]);
  assert.deepEqual(active(register, eu), [false]);
  register.pass(10_000);
  assert.equal(active(register, eu, us).filter(Boolean).length, 1);
  assert.ok(register.document!.token! > 5_000, `${register.document?.token}`);
});

test('what an older entry lets begin at once waits for the claims that it does not know of', () => {
  for (const document of [held('us', 2_000), held('eu', 2_000, {}), undefined]) {
    const { us, register } = world();
    register.setBack(3_000, document);
    const fromMs = register.atMs;
    // The others are dead: it is to find out by itself, and then waits anew.
    while (!us.activeAt(register.atMs)) {
      assert.ok(register.atMs < fromMs + 25_000, us.reasonAt(register.atMs));
      register.pass(100, [us]);
    }
    assert.ok(register.atMs - fromMs >= 5_500, `${register.atMs - fromMs}`);
    assert.ok(us.token > 5_000, `${us.token}`);
  }
});

test('it waits from when it found out, whatever the older entry says', () => {
  const us = machine('us');
  us.observe(
    { revision: 5_000, document: held('eu', 4_000, { eu: { ...terms, leaseMs: 20_000 } }) },
    0,
  );
  const register = new Register([us], 5_001, held('eu', 4_000));
  register.atMs = 22_000;
  register.pass(100);
  assert.deepEqual(register.asked, ['read'], 'news are no setback');
  register.setBack(3_000, held('us', 2_000));
  register.pass(6_000);
  assert.ok(register.asked.includes('acquire'), 'it finds a conflict');
  const foundMs = register.atMs;
  register.pass(5_000);
  assert.deepEqual(active(register, us), [false], `since ${foundMs}`);
  register.pass(2_000);
  assert.deepEqual(active(register, us), [true]);
});

test('who held on before may still: nobody else is active but by force', () => {
  const holds = { ...terms, hold: true };
  const us = machine('us', { hold: true });
  const register = new Register([us], 5_000, held('eu', 4_000, { eu: holds }));
  register.pass(300);
  register.setBack(3_000, held('us', 2_000, { us: holds }));
  register.pass(3_600_000);
  assert.deepEqual(active(register, us), [false]);
  assert.match(us.reasonAt(register.atMs), /set back, and eu holds on before/);
  register.put(held('us', 2_000, { us: terms }));
  register.pass(60_000);
  assert.deepEqual(active(register, us), [false], 'by who knows nothing of it');
  const { revision, document } = register;
  const known = { silent: [], highestRevision: us.highestRevision };
  register.put(wished({ revision, document: document! }, { to: 'eu', force: true }, known));
  register.pass(12_000);
  assert.deepEqual(active(register, us), [true]);
  assert.ok(us.token > 5_000);
});

test('by force to the region that stands there it waits no more, asked of its only node too', () => {
  const holds = { ...terms, hold: true };
  const { eu, us, register } = world({ hold: true });
  register.setBack(3_000, held('us', 2_000, { us: holds }));
  register.pass(60_000);
  assert.deepEqual(active(register, eu, us), [false, false]);
  const { revision, document } = register;
  const known = { silent: [], highestRevision: us.highestRevision };
  assert.equal(
    wished({ revision, document: document! }, { to: 'us', force: false }, known),
    undefined,
  );
  const wish = wished({ revision, document: document! }, { to: 'us', force: true }, known);
  assert.ok(wish, 'something is to be written');
  register.put(wish);
  register.pass(1_000);
  assert.deepEqual(active(register, eu, us), [false, true]);
  assert.ok(us.token > 5_000, `${us.token}`);
});

test('by force too a claim from before the store was set back ends first', () => {
  const { us, register } = world();
  register.setBack(3_000, held('us', 2_000));
  us.read({ revision: 3_000, document: register.document }, register.atMs);
  us.read({ revision: 3_000, document: register.document }, register.atMs + 5_000);
  const known = { silent: [], highestRevision: us.highestRevision };
  const before = { revision: 3_000, document: register.document! };
  const wish = wished(before, { to: 'us', force: true }, known);
  us.observe({ revision: 3_001, document: wish }, register.atMs + 5_100);
  assert.equal(us.tick(register.atMs + 5_200, well), undefined);
  assert.match(us.reasonAt(register.atMs + 5_200), /who was active before may still be/);
});

test('a move by force holds, also where who is active learns by it that the store was set back', () => {
  for (const hold of [true, false]) {
    const nodes = { eu: { ...terms, hold } };
    const { eu, us, register } = world({ hold });
    register.setBack(3_000, held('eu', 2_000, nodes));
    const known = { silent: [], highestRevision: us.highestRevision };
    const before = { revision: 3_000, document: held('eu', 2_000, nodes) };
    register.put(wished(before, { to: 'us', force: true }, known));
    for (let step = 0; step < 300; step++) {
      register.pass(100);
      assert.notDeepEqual(active(register, eu, us), [true, true], `at ${register.atMs}`);
    }
    assert.deepEqual(active(register, eu, us), [false, true], `hold: ${hold}`);
    assert.ok(us.token > 5_000, `${us.token}`);
  }
});

test('who goes on over a store that was set back lets go for no sibling that was started since', () => {
  for (const hold of [true, false]) {
    const nodes = { a: { ...terms, hold } };
    const [one, us] = [machine('eu', { hold }, 'a'), machine('us', { hold })];
    const before = new Register([one, us], 5_000, held('eu', 4_000, nodes));
    before.pass(3_000);
    // It joins by what it finds there, and hears of nothing after that.
    const two = machine('eu', { hold }, 'b');
    two.observe({ revision: 3_000, document: held('eu', 2_000, nodes) }, before.atMs);
    const register = new Register([one, us], 3_000, held('eu', 2_000, nodes));
    const joining = new Register([two], 3_000, register.document);
    joining.atMs = register.atMs = before.atMs;
    joining.pass(100);
    register.setBack(joining.revision, joining.document);
    register.pass(2_000);
    assert.deepEqual(active(register, one, two), [true, true]);
    register.put({ ...register.document!, to: 'us' });
    for (let step = 0; step < 200; step++) {
      register.pass(100);
      const [first, sibling, other] = active(register, one, two, us);
      assert.ok(!((first || sibling) && other), `hold: ${hold}, at ${register.atMs}`);
    }
    assert.deepEqual(active(register, us), [!hold], 'nobody waits for a lease for ever');
  }
});

test('the same revision with another content is another history', () => {
  const us = machine('us');
  const register = new Register([us], 50, held('eu', 40));
  register.pass(200);
  register.setBack(50, held('ap', 45));
  register.pass(5_100);
  assert.equal(us.document?.holder, 'ap');
  register.pass(5_300);
  assert.deepEqual(active(register, us), [false]);
  register.pass(5_600); // eu, which comes first, has a lease of time
  assert.deepEqual(active(register, us), [true]);
  assert.ok(us.token > 50);
});

test('a leader from the past is not believed: once without a conflict, or with the claim at stake', () => {
  const us = machine('us');
  us.observe({ revision: 50, document: held('eu', 40) }, 0);
  us.read({ revision: 40, document: held('ap', 35) }, 3_000);
  assert.equal(us.document?.holder, 'eu');
  us.read({ revision: 41, document: held('ap', 35) }, 8_000);
  assert.equal(us.document?.holder, 'ap', 'a lease later it is');
  us.observe({ revision: 51, document: held('eu', 40) }, 8_100);
  assert.equal(us.document?.holder, 'eu', 'and may be wrong');
  const { eu, register } = world();
  const { revision, document } = register;
  register.setBack(revision + 1, { ...document!, to: undefined });
  const renewal = eu.tick(register.atMs + 1_700, well);
  assert.equal(renewal?.kind, 'renew');
  eu.wrote({ kind: 'conflict' }, register.atMs + 1_750);
  assert.equal(eu.tick(register.atMs + 1_800, well)?.kind, 'read');
  eu.read({ revision: revision - 2, document }, register.atMs + 1_850);
  assert.ok(eu.activeAt(register.atMs + 1_900), 'its claim ends by itself');
});

test('a tenure that goes on keeps its token, also for who knew more than the one who began it', () => {
  const highest = 5_440;
  const token = highest + 2 ** 20;
  const one = machine('eu', {}, 'sibling');
  one.observe({ revision: highest + 1, document: held('ap', 4_500) }, 0);
  const other = new Register([one], 10, { ...held('eu', token), highest });
  other.pass(20_000);
  assert.deepEqual([active(other, one), one.token], [[true], token]);
});

test('a store that always says no is asked less and less often', () => {
  const { eu, register } = world();
  let asked = 0;
  for (let atMs = register.atMs; atMs < register.atMs + 600_000; atMs += 100) {
    const action = eu.tick(atMs, well);
    if (!action) continue;
    asked++;
    if (action.kind === 'read') eu.read({ revision: 1, document: undefined }, atMs);
    else eu.wrote({ kind: 'conflict' }, atMs);
  }
  assert.ok(asked < 1_200, `${asked} in ten minutes`);
});
