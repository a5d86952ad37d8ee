import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { eventually } from '../../../test/support/eventually.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { MemoryLog } from '../../store/memory/memory-log.ts';
import type { Store } from '../../store/store.ts';
import { AsyncBucket } from './async-bucket.ts';
import { type Canary, canaryValue, parseCanary } from './canary.ts';
import { cursorText, isKept, parseCursor } from './cursor.ts';
import { Duty } from './duty.ts';
import { Lag } from './lag.ts';

const settings = {
  consistency: 'async',
  maximumValue: 1_024,
  maximumSize: 1024 ** 2,
  conflicts: 60_000,
} as const;

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
  const echo = fc.record({ number: fc.nat(), heldMs: duration }, strict);
  const canary: fc.Arbitrary<Canary> = fc.record(
    { number: fc.nat(), node: name, epoch: name, echoes: map(echo), lagMs: map(duration) },
    strict,
  );

  it('are read as they were written', () => {
    fc.assert(
      fc.property(canary, (one) => {
        assert.deepEqual(parseCanary(message(canaryValue(one))), one);
      }),
    );
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

describe('lag', () => {
  const canary = (number: number, echoed?: number, heldMs = 0): Canary => ({
    number,
    node: 'n',
    epoch: 'e',
    echoes: new Map(echoed === undefined ? [] : [['here', { number: echoed, heldMs }]]),
    lagMs: new Map(),
  });

  it('is half of both ways, without the time that the other held the canary', () => {
    const lag = new Lag();
    lag.sent(7, 1_000);
    lag.arrived(canary(4, 7, 300), 'here', 1_480);
    assert.equal(lag.lagMs(1_480), 90);
    assert.deepEqual(lag.echo(1_500), { number: 4, heldMs: 20 });
  });

  it('is not known before the other answered what was just sent', () => {
    const lag = new Lag();
    assert.equal(lag.lagMs(0), undefined);
    lag.arrived(canary(90), 'here', 10);
    lag.arrived(canary(91, 7), 'here', 20);
    assert.equal(lag.lagMs(20), undefined);
  });

  it('grows while nothing comes, and never shrinks by waiting', () => {
    fc.assert(
      fc.property(
        fc.nat(5_000),
        fc.nat(5_000),
        fc.nat(60_000),
        fc.nat(60_000),
        (both, held, a, b) => {
          const lag = new Lag();
          lag.sent(1, 0);
          const atMs = both + held;
          lag.arrived(canary(1, 1, held), 'here', atMs);
          assert.equal(lag.lagMs(atMs), Math.round(both / 2));
          const [sooner, later] = [Math.min(a, b), Math.max(a, b)];
          assert.ok(lag.lagMs(atMs + later)! >= lag.lagMs(atMs + sooner)!);
          assert.ok(lag.lagMs(atMs + later)! >= later - 1_500);
        },
      ),
    );
  });

  it('remembers no more of its own canaries than can be answered', () => {
    const lag = new Lag();
    for (let number = 1; number <= 1_000; number++) lag.sent(number, number);
    lag.arrived(canary(1, 1), 'here', 2_000);
    assert.equal(lag.lagMs(2_000), undefined);
    lag.arrived(canary(2, 1_000), 'here', 2_000);
    assert.equal(lag.lagMs(2_000), 500);
  });
});

describe('the lag that another node tells', () => {
  it('is not believed before that node is known to tell it now', async (t) => {
    const clock = new ManualClock();
    const [log, lost] = [new MemoryLog('b', clock), new MemoryLog('b_lost', clock)];
    const regionalLog: Store['regionalLog'] = (name, settings) => {
      const one = name === 'b' ? log : lost;
      one.settings = settings;
      return one;
    };
    const told = (number: number) => {
      const lagMs = new Map([['us', 90]]);
      const value = canaryValue({ number, node: 'other', epoch: 'e', echoes: new Map(), lagMs });
      return log.append({ subject: 'eu.canary', head: 'canary', value });
    };
    const bucket = new AsyncBucket('b', settings, {
      ...{ store: { regionalLog } as Store, region: 'eu', regions: ['eu', 'us'] },
      ...{ node: 'own', clock, log: { debug() {}, info() {}, warn() {}, error() {} } },
    });
    t.after(() => bucket.close());
    await told(1);
    await new Promise((resolve) => setTimeout(resolve, 1_300)); // a look at least
    assert.equal((await bucket.get('k')).staleForMs, Number.POSITIVE_INFINITY);
    await told(2);
    await eventually('the lag', () => bucket.status().lagMs.get('us') === 90, 30_000);
    assert.equal((await bucket.get('k')).staleForMs, 90);
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
  const state = { epoch: '2026-11-21T13:43:10.9Z', lastSequence: 9, messages: 1, bytes: 1 };
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
