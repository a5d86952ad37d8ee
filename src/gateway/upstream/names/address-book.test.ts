import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test } from 'node:test';
import { MeridianError } from '../../../base/errors.ts';
import { ManualClock } from '../../../base/manual-clock.ts';
import { AddressBook } from './address-book.ts';
import type { NameAnswer, NameSource } from './name-source.ts';

/** Answers when the test says so. */
class FakeSource implements NameSource {
  readonly asked: string[] = [];
  closed = false;
  readonly #open: { resolve(answer: NameAnswer): void; reject(error: unknown): void }[] = [];

  resolve(name: string): Promise<NameAnswer> {
    this.asked.push(name);
    return new Promise((resolve, reject) => this.#open.push({ resolve, reject }));
  }

  async answer(ttlMs: number, ...addresses: string[]): Promise<void> {
    this.#open.shift()!.resolve({ ttlMs, addresses });
    await settled();
  }

  async fail(code = 'name_unavailable'): Promise<void> {
    this.#open.shift()!.reject(new MeridianError(code, 'refused'));
    await settled();
  }

  close(): void {
    this.closed = true;
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function world() {
  const source = new FakeSource();
  const clock = new ManualClock();
  const gone: string[] = [];
  const failing: string[] = [];
  const book = new AddressBook({
    source,
    clock,
    random: () => 0,
    onGone: (name, addresses) => gone.push(`${name} ${[...addresses]}`),
    onFailing: (name, _error, ageMs) => failing.push(`${name} ${ageMs}`),
  });
  /** What a lookup says by now. */
  const look = (name = 'svc.test') => {
    const seen: { found?: string[]; code?: string } = {};
    book.lookup(name, { all: true }, (error, found) => {
      if (error) seen.code = error.code ?? '';
      else seen.found = (found as LookupAddress[]).map(({ address }) => address);
    });
    return seen;
  };
  return { source, clock, gone, failing, book, look };
}

test('the first lookup waits, later ones do not, whatever the DNS does', async () => {
  const { source, clock, book, look } = world();
  book.retain(new Set(['svc.test', '192.0.2.9']));
  clock.advance(0);
  assert.deepEqual(source.asked, ['svc.test']);
  const waiting = [look(), look()];
  assert.deepEqual(waiting, [{}, {}]);
  assert.deepEqual(source.asked, ['svc.test'], 'they wait for the same answer');
  await source.answer(10_000, '192.0.2.1', '192.0.2.2');
  assert.deepEqual(waiting, [
    { found: ['192.0.2.1', '192.0.2.2'] },
    { found: ['192.0.2.2', '192.0.2.1'] },
  ]);
  clock.advance(10_000);
  assert.deepEqual(source.asked, ['svc.test', 'svc.test'], 'its TTL is over');
  assert.equal(look().found?.length, 2, 'known, if being asked for');
  await source.fail();
  assert.equal(look().found?.length, 2);
});

test('a lookup that wants one address gets one, with its family', async () => {
  const { source, book } = world();
  const seen: unknown[] = [];
  book.lookup('svc.test', {}, (error, address, family) => seen.push(error, address, family));
  await source.answer(1_000, '2001:db8::1');
  assert.deepEqual(seen, [null, '2001:db8::1', 6]);
});

test('who waits is told when there is no answer; asked again a second later, not before', async () => {
  const { source, clock, book, look, failing } = world();
  book.retain(new Set(['svc.test']));
  const waiting = look();
  await source.fail('name_unknown');
  assert.deepEqual(waiting, { code: 'ENOTFOUND' });
  assert.deepEqual(look(), { code: 'ENOTFOUND' });
  assert.equal(source.asked.length, 1);
  clock.advance(1_000);
  assert.equal(source.asked.length, 2);
  await source.fail('name_unknown');
  clock.advance(1_500);
  const later = look();
  assert.equal(source.asked.length, 3, 'needed now: not after the pause, which is two seconds');
  await source.answer(1_000, '192.0.2.1');
  assert.deepEqual(later, { found: ['192.0.2.1'] });
  assert.deepEqual(failing, ['svc.test undefined'], 'told once');
});

test('what is gone is told, and so is a failure, with the age of what is used', async () => {
  const { source, clock, book, gone, failing } = world();
  book.retain(new Set(['svc.test']));
  clock.advance(0);
  await source.answer(5_000, 'a', 'b');
  clock.advance(5_000);
  await source.answer(5_000, 'b', 'c');
  assert.deepEqual(gone, ['svc.test a']);
  clock.advance(5_000);
  await source.fail();
  clock.advance(1_000);
  await source.fail();
  assert.deepEqual(failing, ['svc.test 5000']);
  clock.advance(2_000);
  await source.answer(5_000, 'c');
  assert.deepEqual(gone, ['svc.test a', 'svc.test b']);
  clock.advance(5_000);
  await source.fail();
  assert.equal(failing.length, 2, 'a new failure after an answer is told');
});

test('names of before are forgotten after their TTL; new ones are asked for bit by bit', async () => {
  const { source, clock, book } = world();
  book.retain(new Set(['old.test']));
  clock.advance(0);
  await source.answer(5_000, 'a');
  book.retain(new Set(['new1.test', 'new2.test', 'new3.test']));
  clock.advance(5);
  assert.deepEqual(source.asked, ['old.test', 'new1.test', 'new2.test']);
  assert.deepEqual(book.addresses('old.test'), ['a']);
  clock.advance(5_000);
  assert.deepEqual(book.addresses('old.test'), []);
  assert.deepEqual(source.asked, ['old.test', 'new1.test', 'new2.test', 'new3.test']);
});

test('a request of an older revision has its name resolved, once in a TTL', async () => {
  const { source, clock, book, look } = world();
  const seen = look();
  await source.answer(5_000, 'a');
  assert.deepEqual(seen.found, ['a']);
  clock.advance(4_999);
  look();
  assert.equal(source.asked.length, 1);
  clock.advance(1);
  assert.deepEqual(book.addresses('svc.test'), []);
});

test('after close nothing is asked, nobody waits, and late answers mean nothing', async () => {
  const { source, clock, book, look, gone } = world();
  book.retain(new Set(['svc.test', 'b.test']));
  const waiting = look();
  book.close();
  assert.equal(source.closed, true);
  assert.deepEqual(waiting, { code: 'ENOTFOUND' });
  await source.answer(1_000, 'a');
  clock.advance(60_000);
  assert.deepEqual(look(), { code: 'ENOTFOUND' });
  assert.deepEqual(source.asked, ['svc.test']);
  assert.deepEqual(gone, []);
});
