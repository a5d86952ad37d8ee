import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointInfo } from '../../../config/topology.ts';
import type { Balancer } from './balancer.ts';
import { clientNetwork } from './client-network.ts';
import { ConsistentHash } from './consistent-hash.ts';
import { hashText } from './hash.ts';
import { MaglevTable } from './maglev-table.ts';
import { MaglevTables } from './maglev-tables.ts';
import { RendezvousHash } from './rendezvous-hash.ts';
import { findCookie, findParameter, requestHash } from './request-key.ts';
import { endpointsOf, FakeLoads, idle, isFair, keyOf } from './testdata/endpoints.ts';

const byUser = requestHash({ header: 'X-User' });
const user = (name: string | number) => keyOf({ fields: ['x-user', `user-${name}`] });
const users = 20_000;

const kinds: readonly [string, (of: readonly EndpointInfo[], slowStartMs?: number) => Balancer][] =
  [
    [
      'consistent',
      (of, slowStartMs = 0) => new ConsistentHash(of, byUser, slowStartMs, new MaglevTables()),
    ],
    ['rendezvous', (of, slowStartMs = 0) => new RendezvousHash(of, byUser, slowStartMs)],
  ];

/** The endpoint of each user. */
function placesOf(balancer: Balancer, loads = idle): number[] {
  return Array.from(
    { length: users },
    (_, name) => balancer.next(user(name), loads, [], false)!.index,
  );
}

function moved(before: readonly number[], after: readonly number[]): number {
  return before.filter((place, at) => place !== after[at]).length / before.length;
}

function counts(places: readonly number[], of: number): number[] {
  const all = Array.from({ length: of }, () => 0);
  for (const place of places) all[place]!++;
  return all;
}

for (const [name, make] of kinds) {
  test(`${name}: keys are spread by weight`, () => {
    for (const weights of [
      [1, 1, 1, 1, 1],
      [1, 2, 3, 4],
      [10, 1, 1],
    ]) {
      const found = counts(placesOf(make(endpointsOf(weights))), weights.length);
      assert.ok(isFair(found, weights), `${weights}: ${found}`);
    }
  });

  test(`${name}: one of ten leaves or joins, and about a tenth of the keys move`, () => {
    const ten = endpointsOf(Array.from({ length: 10 }, () => 1));
    const all = placesOf(make(ten));
    for (const gone of [0, 4, 9]) {
      const rest = placesOf(make(ten.filter(({ index }) => index !== gone)));
      const own = all.filter((place) => place === gone).length / users;
      const share = moved(all, rest);
      assert.ok(share >= own && own > 0.09, `${own} of all had to move, ${share} did`);
      assert.ok(share < own + 0.02, `${share} moved, ${own} had to`);
    }
  });

  test(`${name}: the order of endpoints means nothing`, () => {
    const endpoints = endpointsOf([1, 2, 3, 1]);
    assert.deepEqual(placesOf(make(endpoints)), placesOf(make([...endpoints].reverse())));
  });

  test(`${name}: only the keys of an ejected one move, to all others, and come back`, () => {
    const weights = [1, 1, 1, 1, 2];
    const balancer = make(endpointsOf(weights));
    const before = placesOf(balancer);
    const loads = new FakeLoads();
    loads.out.add(2);
    const during = placesOf(balancer, loads);
    const taken = during.filter((place, at) => {
      if (before[at] === 2) return place !== 2;
      assert.equal(place, before[at]);
      return false;
    });
    assert.ok(isFair(counts(taken, 5), [1, 1, 0, 1, 2]), `${counts(taken, 5)}`);
    loads.out.clear();
    assert.deepEqual(placesOf(balancer, loads), before);
  });

  test(`${name}: in slow start keys come back one by one, and each for good`, () => {
    const balancer = make(endpointsOf([1, 1, 1, 1]), 10_000);
    const loads = new FakeLoads();
    const at = (sinceMs: number) => {
      loads.sinceMs[0] = sinceMs;
      return placesOf(balancer, loads).map((place) => place === 0);
    };
    let before = at(0);
    const steps = [0.1, 0.3, 0.5, 0.8, 1].map((warm) => {
      const now = at(warm * 10_000);
      assert.ok(
        before.every((had, key) => !had || now[key]),
        `${warm}: one went away again`,
      );
      before = now;
      return now.filter(Boolean).length / users;
    });
    assert.ok(steps[0]! > 0.015 && steps[0]! < 0.04, `${steps}`);
    assert.ok(steps[2]! > 0.1 && steps[2]! < 0.16, `${steps}`);
    assert.ok(steps[4]! > 0.23, `${steps}`);
  });

  test(`${name}: the last one that is left is found, and none where all were tried`, () => {
    const weights = Array.from({ length: 60 }, (_, at) => (at === 7 ? 1 : 500));
    const balancer = make(endpointsOf(weights), 1_000);
    const loads = new FakeLoads();
    for (const at of weights.keys()) if (at !== 7) loads.out.add(at);
    loads.sinceMs[7] = 0;
    assert.equal(balancer.next(user('x'), loads, [], false)!.index, 7);
    assert.equal(balancer.next(user('x'), loads, [7], false), undefined);
    assert.notEqual(balancer.next(user('x'), loads, [7], true), undefined);
    assert.equal(make([]).next(user('x'), loads, [], true), undefined);
  });
}

test('a table gives each member its slots: equal ones within one, others by weight', () => {
  for (const count of [1, 2, 3, 7, 50, 1_000]) {
    const names = Array.from({ length: count }, (_, at) => `10.1.${at >> 8}.${at & 255}:8080`);
    const table = new MaglevTable(names.map((name) => ({ name, weight: 3 })));
    const slots = slotsOf(table, count);
    assert.ok(table.slots >= 65_537 && table.slots >= 100 * count);
    assert.ok(Math.max(...slots) - Math.min(...slots) <= 1, `${count} members`);
  }
  const weights = [1, 10, 100, 1_000];
  const table = new MaglevTable(weights.map((weight) => ({ name: `w${weight}`, weight })));
  for (const [at, slots] of slotsOf(table, 4).entries()) {
    const fair = (table.slots * weights[at]!) / 1_111;
    assert.ok(Math.abs(slots - fair) <= 2, `${weights[at]}: ${slots} of ${fair}`);
  }
});

function slotsOf(table: MaglevTable, members: number): number[] {
  const slots = Array.from({ length: members }, () => 0);
  for (let slot = 0; slot < table.slots; slot++) slots[table.at(slot)]!++;
  return slots;
}

test('the permutations of table 1 of the paper make the lookup table printed there', () => {
  const named = (letter: string, offset: number, skip: number) => {
    for (let n = 0; ; n++) {
      const name = `${letter}${n}`;
      if (hashText(name) % 7 === offset && (hashText(name, 1) % 6) + 1 === skip) return name;
    }
  };
  const names = [named('a', 3, 4), named('b', 0, 2), named('c', 3, 1)];
  const table = new MaglevTable(
    names.map((name) => ({ name, weight: 1 })),
    7,
  );
  assert.deepEqual(
    Array.from({ length: 7 }, (_, slot) => table.at(slot)),
    [1, 0, 1, 0, 2, 2, 0],
  );
});

test('members that stay have the table that was built for them', () => {
  const tables = new MaglevTables();
  const members = ['a', 'b'].map((name) => ({ name, weight: 2 }));
  const table = tables.of(members);
  assert.equal(tables.of([...members]), table);
  assert.notEqual(tables.of(members.map((one) => ({ ...one, weight: 3 }))), table);
  assert.notEqual(tables.of(members.slice(1)), table);
  assert.equal(tables.size, 3);
});

test('what a key is, and what stands in where it is missing', () => {
  const same = (a: Parameters<typeof keyOf>[0], b: Parameters<typeof keyOf>[0], key = byUser) =>
    key(keyOf(a)) === key(keyOf(b));
  assert.ok(same({ fields: ['X-USER', 'a'] }, { fields: ['x-user', 'a'], clientAddress: '::1' }));
  assert.ok(!same({ fields: ['x-user', 'a'] }, { fields: ['x-user', 'b'] }));
  assert.ok(same({ fields: ['x-user', ''] }, {}), 'an empty one counts as missing');
  assert.ok(!same({ clientAddress: '192.0.2.1' }, { clientAddress: '192.0.2.2' }));
  const byAddress = requestHash('address');
  assert.ok(same({ fields: ['x-user', 'a'] }, { fields: ['x-user', 'b'] }, byAddress));
  const byPair = requestHash({ query: 'pair' });
  assert.ok(same({ query: '?pair=a&x=1' }, { query: '?x=2&pair=a' }, byPair));
  assert.ok(!same({ query: '?pair=a' }, { query: '?pair=b' }, byPair));
  const byCookie = requestHash({ cookie: 'id' });
  assert.ok(
    same({ fields: ['cookie', 'id=1'] }, { fields: ['Cookie', 'x=y; id=1; z=1'] }, byCookie),
  );
});

test('cookies and parameters are found by their whole name', () => {
  const cookie = (...values: string[]) =>
    findCookie(
      values.flatMap((value) => ['cookie', value]),
      'id',
    );
  assert.equal(cookie('id=1; id=2'), '1');
  assert.equal(cookie('xid=1; idx=2;id=3 ; y'), '3');
  assert.equal(cookie('a=id=1'), undefined);
  assert.equal(cookie('a=1', 'id=2'), '2');
  assert.equal(cookie('id', 'id =1', ' ; ;', 'id;=1', ''), undefined);
  assert.equal(cookie('id='), '');
  assert.equal(findParameter('', 'p'), undefined);
  assert.equal(findParameter('?', 'p'), undefined);
  assert.equal(findParameter('?p=a=b&p=c', 'p'), 'a=b');
  assert.equal(findParameter('?xp=1&p&p=2', 'p'), '2');
});

test('searching a cookie ends, whatever is in it', () => {
  const piece = fc.constantFrom('id', '=', ';', ' ', 'x', 'id=', '; ');
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = pieces.join('');
      const expected = text
        .split(';')
        .map((part) => part.replace(/^ +/, ''))
        .find((part) => part.startsWith('id='));
      assert.equal(findCookie(['cookie', text], 'id'), expected?.slice(3).trimEnd());
    }),
  );
});

test('clients of one IPv6 network are one client, those of IPv4 are not', () => {
  assert.equal(clientNetwork('192.0.2.1'), '192.0.2.1');
  assert.equal(clientNetwork('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2');
  assert.equal(clientNetwork('2001:db8:1:2::6'), '2001:db8:1:2');
  assert.equal(clientNetwork('2001:db8::1'), '2001:db8:0:0');
  assert.equal(clientNetwork('2001:db8::2:3:4:5:6'), '2001:db8:0:2');
  assert.equal(clientNetwork('::1'), '0:0:0:0');
  assert.equal(clientNetwork('2001::'), '2001:0:0:0');
});
