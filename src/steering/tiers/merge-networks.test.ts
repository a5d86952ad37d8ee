import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatNetwork, parseNetwork } from '../network.ts';
import type { ClientNetwork } from '../record-set.ts';
import { cut } from '../testdata/model-resolver.ts';
import { holds, type Member, mergeNetworks } from './merge-networks.ts';
import { NetworkIndex } from './network-index.ts';
import type { Tier } from './tier.ts';

function merged(lists: Readonly<Record<string, readonly number[]>>): string[] {
  const members = Object.entries(lists).map(([network, answers]) => ({
    network: parseNetwork(network),
    answers,
  }));
  return mergeNetworks(members).map(
    ({ network, answers }) => `${formatNetwork(network)} ${answers}`,
  );
}

test('halves become one, repeats go, and what says something else stays', () => {
  assert.deepEqual(merged({ '10.0.0.0/9': [0], '10.128.0.0/9': [0] }), ['10.0.0.0/8 0']);
  assert.deepEqual(merged({ '10.0.0.0/8': [0], '10.64.0.0/10': [0] }), ['10.0.0.0/8 0']);
  const between = { '10.0.0.0/8': [0], '10.64.0.0/10': [1], '10.64.1.0/24': [0] };
  assert.equal(merged(between).length, 3);
  const shadowed = { '10.0.0.0/8': [1], '10.0.0.0/9': [0], '10.128.0.0/9': [0] };
  assert.equal(merged(shadowed).length, 3);
  assert.equal(merged({ '10.0.0.0/9': [0], '10.128.0.0/9': [0, 1] }).length, 2);
  const all = Array.from({ length: 256 }, (_, at) => [`${at}.0.0.0/8`, [0]] as const);
  assert.deepEqual(merged(Object.fromEntries(all)), ['0.0.0.0/0 0']);
  assert.deepEqual(merged({ '2001:db8::/33': [2], '2001:db8:8000::/33': [2] }), [
    '2001:db8::/32 2',
  ]);
});

/** Few bits, so that networks meet. */
const address = fc
  .tuple(fc.integer({ min: 8, max: 11 }), fc.constantFrom(0, 64, 128, 192))
  .map(([first, second]) => Uint8Array.of(first, second, 0, 0));
const members = fc
  .array(
    fc.record({
      network: fc.record({ address, prefixBits: fc.integer({ min: 5, max: 10 }) }),
      answer: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 12 },
  )
  .map((list) => {
    const networks: ClientNetwork[][] = [[], [], []];
    for (const { network, answer } of list) {
      networks[answer]!.push(cut(network.address, network.prefixBits));
    }
    return networks;
  });

/** The answers in turn, as health may ask for them, without what is asked a second time. */
function turnsOf(tier: Tier | undefined): string[] {
  const turns: string[] = [];
  for (let at = tier; at; at = at.wider) {
    const answers = String([...at.answers].sort());
    if (turns.at(-1) !== answers) turns.push(answers);
  }
  return turns;
}

/** Every prefix with its networks, as the list says. */
function unmerged(networks: readonly ClientNetwork[][], client: ClientNetwork): string[] {
  const around = new Map<number, number[]>();
  for (const [answer, list] of networks.entries()) {
    for (const network of list) {
      if (!holds(network, client)) continue;
      const answers = around.get(network.prefixBits) ?? [];
      if (!answers.includes(answer)) around.set(network.prefixBits, [...answers, answer]);
    }
  }
  const turns = [...around].sort(([a], [b]) => b - a).map(([, answers]) => String(answers.sort()));
  return turns.filter((turn, at) => turn !== turns[at - 1]);
}

test('property: merged networks lead every client where the list leads, in a scope that is sound', () => {
  fc.assert(
    fc.property(members, address, fc.nat(63), (networks, at, rest) => {
      const client = { address: Uint8Array.of(at[0]!, at[1]! + rest, 7, 7), prefixBits: 32 };
      const index = new NetworkIndex(networks.map((list) => list.concat()));
      const { tier, scopeBits } = index.find(client);
      // An answer without networks is a default, which both have at their ends.
      const defaults = networks.flatMap((list, answer) => (list.length === 0 ? [answer] : []));
      const expected = unmerged(networks, client);
      if (defaults.length > 0) expected.push(String(defaults));
      assert.deepEqual(turnsOf(tier), expected);
      for (let bit = scopeBits; bit < 10; bit++) {
        const other = Uint8Array.from(client.address);
        other[bit >> 3]! ^= 0x80 >> (bit & 7);
        assert.deepEqual(index.find({ address: other, prefixBits: 32 }).tier, tier);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('property: there is nothing left to merge, and never more than there was', () => {
  fc.assert(
    fc.property(members, (networks) => {
      const list: Member[] = [];
      const seen = new Set<string>();
      for (const [answer, own] of networks.entries()) {
        for (const network of own) {
          if (seen.has(formatNetwork(network))) continue;
          seen.add(formatNetwork(network));
          list.push({ network, answers: [answer] });
        }
      }
      const once = mergeNetworks(list);
      assert.ok(once.length <= list.length);
      // Halves stay where the list says something else of the whole: it keeps its clients.
      for (const whole of wholesOf(once)) assert.ok(seen.has(whole), whole);
      for (const [at, { network, answers }] of once.entries()) {
        const around = once.slice(0, at).findLast((other) => holds(other.network, network));
        assert.notDeepEqual(around?.answers, answers);
      }
    }),
    {
      numRuns: 1_000,
      examples: [
        [[networksOf('10.0.0.0/7', '8.0.0.0/7'), [], networksOf('9.0.0.0/8', '8.0.0.0/8')]],
      ],
    },
  );
});

function networksOf(...texts: string[]): ClientNetwork[] {
  return texts.map((text) => parseNetwork(text));
}

/** The networks of which both halves are there with the same answers. */
function wholesOf(list: readonly Member[]): string[] {
  const halves = list.map(({ network, answers }) => {
    return `${formatNetwork(cut(network.address, network.prefixBits - 1))} ${answers}`;
  });
  const twice = halves.filter((whole, at) => halves.indexOf(whole) !== at);
  return twice.map((whole) => whole.split(' ')[0]!);
}
