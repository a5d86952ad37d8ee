import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KeySet } from '../../src/dns/dnssec/key-set.ts';
import { nextStep } from '../../src/dns/dnssec/rollover.ts';
import { keyStates, ZoneKey } from '../../src/dns/dnssec/zone-key.ts';
import { constantIn } from './constants.ts';
import { blocksOf, tableUnder } from './markdown.ts';

const page = 'docs/guides/dnssec.md';
const text = readFileSync(join(import.meta.dirname, '../..', page), 'utf8');

test('the table of states is what keys do', () => {
  const { rows } = tableUnder(page, 'state');
  assert.deepEqual(
    rows.map(([state]) => state!.replaceAll('`', '')),
    [...keyStates],
  );
  for (const [index, state] of keyStates.entries()) {
    const key = ZoneKey.generate('csk', state);
    const other = ZoneKey.generate('csk', 'active');
    const { keys } = new KeySet('example.com', [key, other]);
    const does = [keys.includes(key), key.signsData, key.signsKeys, key.isDelegatedTo];
    const told = rows[index]!.slice(1);
    assert.deepEqual(
      told,
      does.map((yes) => (yes ? 'yes' : 'no')),
      state,
    );
  }
});

/** Columns of a line of the picture, between its bars. */
function drawn(label: string): string[] {
  const picture = blocksOf(page, '').find(({ text }) => text.includes('DNSKEY set  old'))!;
  const line = picture.text.split('\n').find((one) => one.startsWith(` ${label}`))!;
  return line
    .slice(label.length + 1)
    .split('│')
    .map((cell) => cell.trim());
}

test('the picture of a rollover is what its steps do', () => {
  const old = ZoneKey.generate('csk', 'active');
  let keys: readonly ZoneKey[] = [old];
  const steps = [keys];
  for (let step = 0; step < 3; step++) {
    keys = nextStep(keys, 'csk').keys;
    steps.push(keys);
  }
  const fresh = steps[3]![0]!;
  const nameOf = (all: readonly ZoneKey[]) =>
    [old, fresh]
      .filter(({ tag }) => all.some((key) => key.tag === tag))
      .map(({ tag }) => (tag === old.tag ? 'old' : 'new'))
      .join(', ');
  for (const [at, now] of steps.entries()) {
    const stateOf = (tag: number) => now.find((key) => key.tag === tag)?.state;
    const { forData, delegated } = new KeySet('example.com', now);
    assert.equal(drawn('old key')[at], stateOf(old.tag) ?? 'gone');
    assert.equal(drawn('new key')[at], stateOf(fresh.tag) ?? '');
    assert.equal(drawn('DNSKEY set')[at], nameOf(now));
    assert.equal(drawn('data')[at], nameOf(forData));
    assert.equal(drawn("parent's DS")[at]!.split(' ▶ ').at(-1), nameOf(delegated));
  }
  assert.throws(() => nextStep([old, fresh], 'csk'), /cannot be rolled/);
});

test('what a roll says is what the page shows', () => {
  const old = ZoneKey.generate('csk', 'active');
  const { keys, done, wait } = nextStep([old], 'csk');
  const fresh = keys.find(({ tag }) => tag !== old.tag)!;
  const said = `${done}: bring these keys to the nodes, then wait ${wait}`;
  const tags: Record<string, string> = { [fresh.tag]: '43727', [old.tag]: '31394' };
  const shown = said.replace(/\b\d+\b/g, (number) => tags[number] ?? number);
  assert.ok(text.includes(`\n${shown}\n`), shown);
});

test('how long signatures and keys are good, and how many are kept', () => {
  const signer = 'src/dns/dnssec/signer.ts';
  const compile = 'src/dns/zone/compile.ts';
  assert.match(text, /good for 7 days .*they begin an hour early/is);
  assert.equal(constantIn(signer, 'validitySeconds'), '7 * daySeconds');
  assert.equal(constantIn(signer, 'backdatedSeconds'), '3_600');
  assert.equal(constantIn(compile, 'keptSignatures').replace('_', ','), '20,000');
  assert.match(text, /signatures of 20,000 record sets/);
  assert.equal(constantIn(compile, 'ownTtlSeconds'), '3_600');
});
