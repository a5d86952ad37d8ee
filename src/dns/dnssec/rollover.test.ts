import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeySet } from './key-set.ts';
import { nextStep } from './rollover.ts';
import { type KeyRole, type KeyState, ZoneKey } from './zone-key.ts';

const statesOf = (keys: readonly ZoneKey[]) => keys.map(({ role, state }) => `${role} ${state}`);

test('three steps replace a key; at each, all that caches may hold is known', () => {
  for (const role of ['csk', 'ksk', 'zsk'] as const) {
    const partner = role === 'ksk' ? 'zsk' : 'ksk';
    const others = role === 'csk' ? [] : [ZoneKey.generate(partner, 'active')];
    const old = ZoneKey.generate(role, 'active');
    const first = nextStep([...others, old], role);
    const second = nextStep(first.keys, role);
    const third = nextStep(second.keys, role);
    const rest = statesOf(others);
    assert.deepEqual(statesOf(first.keys), [...rest, `${role} active`, `${role} published`]);
    assert.deepEqual(statesOf(second.keys), [...rest, `${role} retired`, `${role} active`]);
    assert.deepEqual(statesOf(third.keys), [...rest, `${role} active`]);
    assert.notEqual(third.keys.at(-1)!.tag, old.tag);
    assert.deepEqual([first.wait === undefined, third.wait], [false, undefined]);
    const sets = [first, second, third].map(({ keys }) => new KeySet('z', keys));
    // Whoever holds the keys of one step can check what the next one signs.
    for (const [at, set] of sets.slice(1).entries()) {
      const known = new Set(sets[at]!.keys.map(({ tag }) => tag));
      for (const key of [...set.forData, ...set.delegated]) assert.ok(known.has(key.tag));
    }
  }
});

test('keys in no known state are not rolled', () => {
  const keys = (...states: [KeyRole, KeyState][]) =>
    states.map(([role, state]) => ZoneKey.generate(role, state));
  for (const wrong of [
    [],
    keys(['csk', 'published']),
    keys(['csk', 'active'], ['csk', 'active']),
    keys(['csk', 'active'], ['csk', 'published'], ['csk', 'retired']),
  ]) {
    assert.throws(() => nextStep(wrong, 'csk'), { code: 'bad_dnssec_key' });
  }
});
