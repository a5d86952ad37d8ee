import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BreakerSettings, closed, EndpointTable, halfOpen, open } from './endpoint-table.ts';
import { ServiceSlots } from './service-slots.ts';

const settings: BreakerSettings = {
  failures: 2,
  minimumRequests: 4,
  maximumShare: 0.5,
  trials: 2,
};
const all = [0, 1, 2, 3];

/** Views of one memory, as threads have them. */
function views(endpoints = 4, threads = 2): EndpointTable[] {
  const buffer = new SharedArrayBuffer(EndpointTable.bytes(endpoints, threads));
  return [0, 1].map(() => new EndpointTable(buffer, 0, endpoints, threads, () => {}));
}

test('failures in a row open a breaker, a success between them forgets; all threads see it', () => {
  const [one, other] = views() as [EndpointTable, EndpointTable];
  assert.equal(one.failed(0, all, settings, 1), false);
  other.succeeded(0);
  assert.equal(one.failed(0, all, settings, 1), false);
  assert.equal(other.failed(0, all, settings, 1), true);
  assert.equal(one.state(0), open);
  assert.equal(one.begin(0, 0, 2, false), 'refused');
  assert.equal(one.begin(0, 0, 2, true), 'admitted', 'the last resort');
});

test('a share of a window opens it, with enough requests', () => {
  const [one] = views() as [EndpointTable];
  const share = { ...settings, failures: 100, failureShare: 0.5 };
  for (const outcome of ['success', 'success', 'failure'] as const) {
    assert.equal(one.settle(0, 'admitted', outcome, all, share, 1), false);
  }
  assert.equal(one.settle(0, 'admitted', 'failure', all, share, 1), true, '2 of 4');
});

test('half-open: so many at a time; enough successes close it, one failure opens it again', () => {
  const [one, other] = views() as [EndpointTable, EndpointTable];
  const fail = () => one.settle(0, 'trial', 'failure', all, settings, 5);
  one.eject(0, all, 0.5, 1);
  assert.equal(one.tryAgain(0, 2), true);
  assert.equal(one.begin(0, 0, 2, false), 'trial');
  assert.equal(other.begin(0, 1, 2, false), 'trial');
  assert.equal(one.begin(0, 0, 2, false), 'refused');
  assert.equal(fail(), true);
  assert.equal(one.state(0), open);
  assert.equal(one.openings(0), 2);
  one.tryAgain(0, 6);
  for (const view of [one, other]) {
    assert.equal(view.begin(0, 0, 2, false), 'trial');
    view.settle(0, 'trial', 'success', all, settings, 7);
  }
  assert.equal(one.state(0), closed);
  assert.equal(one.openings(0), 0);
  assert.equal(one.admittedForMs(0, 17), 10);
  assert.equal(one.admittedForMs(1, 17), Number.POSITIVE_INFINITY);
});

test('the average follows a peak at once and forgets it slowly', () => {
  const [one] = views() as [EndpointTable];
  assert.equal(one.latencyMs(0, 1_000, 5), 0);
  one.recordLatency(0, 10, 1_000, 0);
  one.recordLatency(0, 100, 1_000, 1);
  assert.equal(one.latencyMs(0, 1_000, 1), 100);
  one.recordLatency(0, 10, 1_000, 1_001);
  const expected = 100 / Math.E + 10 * (1 - 1 / Math.E);
  assert.ok(Math.abs(one.latencyMs(0, 1_000, 1_001) - expected) < 1e-9);
  assert.ok(one.latencyMs(0, 1_000, 9_001) < 0.1, 'what is not used is not known for long');
});

test('what a dead thread had under way is forgotten, and nothing else', () => {
  const [one] = views() as [EndpointTable];
  for (const thread of [0, 0, 1]) one.begin(2, thread, 1, false);
  assert.equal(one.inFlight(2), 3);
  one.clearThread(0);
  assert.equal(one.inFlight(2), 1);
  one.release(2, 1);
  assert.equal(one.inFlight(2), 0);
});

type Step = readonly [kind: 'begin' | 'end' | 'probe' | 'tryAgain', endpoint: number, how: number];
const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom('begin', 'begin', 'end', 'end', 'probe', 'tryAgain'),
  fc.nat(3),
  fc.nat(99),
);

test('property: shares, trials and counts hold whatever happens in whatever order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const tables = views() as [EndpointTable, EndpointTable];
      const under: { endpoint: number; thread: number; admission: 'admitted' | 'trial' }[] = [];
      for (const [at, [kind, endpoint, how]] of steps.entries()) {
        const thread = how % 2;
        const table = tables[thread]!;
        if (kind === 'begin') {
          const admission = table.begin(endpoint, thread, settings.trials, false);
          if (admission !== 'refused') under.push({ endpoint, thread, admission });
        } else if (kind === 'end' && under.length > 0) {
          const [ended] = under.splice(how % under.length, 1) as [(typeof under)[0]];
          const outcome = (['success', 'failure', 'neutral'] as const)[how % 3]!;
          table.settle(ended.endpoint, ended.admission, outcome, all, settings, at);
          table.release(ended.endpoint, ended.thread);
        } else if (kind === 'probe') table.eject(endpoint, all, settings.maximumShare, at);
        else if (kind === 'tryAgain') table.tryAgain(endpoint, at);
        const out = all.filter((one) => table.state(one) !== closed);
        assert.ok(out.length <= 2, 'no more than the share');
        for (const one of all) {
          const flying = under.filter((request) => request.endpoint === one).length;
          assert.equal(table.inFlight(one), flying);
          if (table.state(one) === halfOpen) assert.ok(table.ejected(one, 99) === false);
        }
      }
    }),
  );
});

test('slots: never more than the maximum, and those of a dead thread come back', () => {
  const buffer = new SharedArrayBuffer(ServiceSlots.bytes(2, 2));
  const [one, other] = [0, 1].map(() => new ServiceSlots(buffer, 0, 2, 2)) as [
    ServiceSlots,
    ServiceSlots,
  ];
  assert.deepEqual(
    [one.take(1, 0, 3), other.take(1, 1, 3), one.take(1, 0, 3), other.take(1, 1, 3)],
    [true, true, true, false],
  );
  assert.equal(one.live(0), 0);
  other.clearThread(0);
  assert.equal(one.live(1), 1);
  other.give(1, 1);
  assert.equal(one.live(1), 0);
});
