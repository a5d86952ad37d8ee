import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Canary, canaryValue, parseCanary } from './canary.ts';
import { cursorText, isKept, parseCursor } from './cursor.ts';
import { Duty } from './duty.ts';

const message = (value: Uint8Array) => ({
  subject: 'eu.canary',
  head: 'canary',
  value,
  sequence: 1,
  storedAtMs: 0,
});

describe('canaries', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
  const duration = fc.nat(1_000_000);
  const map = <T>(value: fc.Arbitrary<T>) =>
    fc.uniqueArray(fc.tuple(name, value), { selector: ([one]) => one }).map((all) => new Map(all));
  const strict = { noNullPrototype: true };
  const echo = fc.record({ number: fc.nat(), id: name, heldMs: duration }, strict);
  const canary: fc.Arbitrary<Canary> = fc.record(
    {
      number: fc.nat(),
      id: name,
      node: name,
      epoch: name,
      previous: fc.record({ sequence: fc.nat(), knownMs: duration }, strict),
      echoes: map(echo),
      agesMs: map(duration),
    },
    strict,
  );

  it('are read as they were written', () => {
    fc.assert(
      fc.property(canary, (one) => {
        assert.deepEqual(parseCanary(message(canaryValue(one))), one);
      }),
    );
  });

  it('of older software are read: they prove nothing', () => {
    const old =
      '{"number":7,"node":"n","epoch":"e","echoes":{"us":{"number":3,"heldMs":5}},"lagMs":{"us":9}}';
    assert.deepEqual(parseCanary(message(Buffer.from(old))), {
      number: 7,
      id: undefined,
      node: 'n',
      epoch: 'e',
      previous: undefined,
      echoes: new Map([['us', { number: 3, id: undefined, heldMs: 5 }]]),
      agesMs: new Map(),
    });
  });

  it('are nothing when they are something else, and never throw', () => {
    for (const text of ['', '[]', 'null', '1', '{}', '{"number":-1}', '{"number":1,"node":1}']) {
      assert.equal(parseCanary(message(Buffer.from(text))), undefined, text);
    }
    assert.equal(parseCanary(message(Buffer.alloc(70_000, 0x20))), undefined);
    fc.assert(
      fc.property(fc.jsonValue(), (echoes) => {
        const value = Buffer.from(JSON.stringify({ number: 1, node: 'n', epoch: 'e', echoes }));
        for (const { number, heldMs } of parseCanary(message(value))!.echoes.values()) {
          assert.ok(Number.isSafeInteger(number) && heldMs >= 0);
        }
      }),
    );
  });
});

describe('duty', () => {
  it('is taken where nobody has it, and kept by who writes the canaries', () => {
    const duty = new Duty('me');
    assert.equal(duty.observe(undefined, 0), true);
    duty.written(true);
    assert.ok(duty.onDuty);
    assert.equal(duty.observe({ sequence: 1, node: 'me' }, 1_000), true);
  });

  it('is lost to who wrote, and taken from who is silent', () => {
    const duty = new Duty('me');
    duty.written(true);
    assert.equal(duty.observe({ sequence: 5, node: 'other' }, 0), false);
    assert.ok(!duty.onDuty);
    assert.equal(duty.observe({ sequence: 6, node: 'other' }, 3_000), false);
    assert.equal(duty.observe({ sequence: 6, node: 'other' }, 6_400), false);
    assert.equal(duty.observe({ sequence: 6, node: 'other' }, 6_500), true);
    duty.written(false);
    assert.ok(!duty.onDuty);
  });
});

describe('cursors of watches', () => {
  const state = {
    epoch: '2026-11-21T13:43:10.9Z',
    lastSequence: 9,
    messages: 1,
    bytes: 1,
    askedAtMs: 0,
  };
  const log = { ...state, ready: true, problem: undefined };
  const cursor = { epoch: '202611211343109', sequence: 7, storedAtMs: 1_000 };

  it('are read as they were written, and refused when they are something else', () => {
    assert.deepEqual(parseCursor(cursorText(cursor)), cursor);
    for (const text of [
      '',
      '1.2',
      '1.2.3.4',
      'a.1.2',
      '1.-2.3',
      '1.2.3 ',
      `${'1'.repeat(41)}.1.1`,
    ]) {
      assert.throws(() => parseCursor(text), { code: 'cursor_invalid' }, text);
    }
  });

  it('hold in the same log, for as long as nothing can have gone unseen', () => {
    const kept = (nowMs: number, ttlMs?: number, more = {}) =>
      isKept({ ...cursor, ...more }, log, { nowMs, ttlMs });
    assert.equal(kept(1e12), true);
    assert.equal(kept(60_999, 60_000), true);
    assert.equal(kept(61_000, 60_000), false);
    assert.equal(kept(1e12, 60_000, { sequence: 9 }), true);
    assert.equal(kept(1_000, undefined, { epoch: '1' }), false);
  });
});
