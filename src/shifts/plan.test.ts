import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeridianError } from '../base/errors.ts';
import { configSchema } from '../config/schema/config.ts';
import { operateShift, startShift } from './change.ts';
import { leftBehind } from './plan.ts';
import type { ShiftDocument, ShiftPlan } from './shift.ts';
import { isInForce, shareOfShift } from './shift.ts';
import { configOf, planOf } from './testdata/deployment.ts';

const at = (ip: string, kind = 'region') => ({
  address: ip,
  kind,
  location: { latitude: 0, longitude: 0 },
});
/** What a target is called by is all of them. */
const long = Array.from({ length: 50 }, () => 'x'.repeat(100));
const records = [
  {
    name: 'api',
    type: 'A',
    routing: 'weighted',
    answers: [{ region: 'eu' }, { region: 'us' }, { values: ['192.0.2.99'] }],
  },
  { name: 'one', type: 'A', routing: 'weighted', answers: [{ region: 'eu' }] },
  { name: 'near', type: 'A', routing: 'latency' },
  { name: 'only', type: 'A', routing: 'failover', answers: [{ region: 'us', role: 'primary' }] },
  { name: 'plain', type: 'TXT', values: ['x'] },
  {
    name: 'odd',
    type: 'TXT',
    routing: 'weighted',
    answers: [{ values: ['a\u0007b'] }, { values: long }, { values: ['fine'] }],
  },
];
const config = configSchema.parse({
  regions: { eu: at('192.0.2.1'), us: at('192.0.2.2'), w: at('192.0.2.3', 'witness') },
  services: { shop: { endpoints: { eu: ['a:1'] } }, canary: { endpoints: { eu: ['b:1'] } } },
  routes: [
    {
      name: 'shop',
      services: [
        { service: 'shop', weight: 9 },
        { service: 'canary', weight: 1 },
      ],
    },
    { name: 'single', prefix: '/s', service: 'shop' },
  ],
  zones: { 'a.test': { ttl: '20s', records } },
});
const author = (change = 'ab'.repeat(12)) => ({ by: 'ana', message: '', nowMs: 0, change });
const start = (more: Partial<ShiftPlan>, before?: ShiftDocument, change?: string) =>
  startShift(before, planOf({ steps: [20, 50], everyMs: 30_000, ...more }), config, author(change));

function refusal(more: Partial<ShiftPlan>, before?: ShiftDocument): string {
  try {
    start(more, before, 'cd'.repeat(12));
  } catch (error) {
    if (error instanceof MeridianError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'accepted';
}

const record = (name: string, type = 'A') => ({ kind: 'record', name, type }) as const;
const region = (name: string) => ({ kind: 'region', region: name }) as const;
const drain = (name: string, steps = [50, 0]) => ({ subject: region(name), to: name, steps });

test('what makes no sense is refused by its name, with what would', () => {
  const cases: [Partial<ShiftPlan>, RegExp][] = [
    [
      { subject: { kind: 'route', route: 'shap' } },
      /^shift_invalid route: .*no route "shap"; did you mean "shop"\?/,
    ],
    [{ subject: { kind: 'route', route: 'single' } }, /route single has no services with weights/],
    [
      { to: 'canery' },
      /^shift_invalid to: route shop has no service "canery"; did you mean "canary"/,
    ],
    [{ subject: record('x.other.test') }, /is in none of the zones; they are: a\.test/],
    [
      { subject: record('apy.a.test') },
      /no record set apy\.a\.test A; did you mean "api\.a\.test"/,
    ],
    [{ subject: record('api.a.test', 'AAAA') }, /no record set of type AAAA; it has A/],
    [{ subject: record('near.a.test') }, /near\.a\.test A is not steered|steered by latency/],
    [{ subject: record('only.a.test') }, /is steered by failover, not by weight/],
    [{ subject: record('plain.a.test', 'TXT') }, /is not steered: it has no weights/],
    [{ subject: record('one.a.test'), to: 'eu' }, /nothing else that could take the rest/],
    [{ subject: record('api.a.test'), to: 'mars' }, /no answer "mars"/],
    [{ subject: record('api.a.test'), to: '192.0.2.99' }, /guard: .*leads to no region/],
    [{ subject: record('api.a.test'), to: 'eu', everyMs: 19_000 }, /every: .*kept for up to 20 s/],
    [{ subject: region('mars'), to: 'mars' }, /no region "mars"/],
    [{ subject: region('w'), to: 'w' }, /w is a witness/],
    [{ steps: [] }, /steps: expected 1 to 100/],
    [{ steps: [20, 101] }, /101 is no share in percent/],
    [{ steps: [20.123] }, /two decimals/],
    [{ steps: [20, Number.NaN] }, /NaN is no share/],
    [{ steps: [20, 50, 40] }, /20, 50, 40: expected each above, or each below/],
    [{ steps: [20, 20] }, /expected each above/],
    [{ steps: [5, 50] }, /expected each above.*from the 10 % that it has now/],
    [{ steps: [10] }, /from the 10 %/],
    [{ everyMs: 10 }, /every: expected 100 ms/],
    [{ observeMs: -1 }, /observe: expected 0 ms/],
    [{ startAt: 'tomorrow' }, /at: expected a time/],
    ...['9999-12-31T23:59:59-01:00', '0000-01-01T00:00:00+01:00'].map(
      (at): [Partial<ShiftPlan>, RegExp] => [
        { startAt: new Date(at).toISOString() },
        /^shift_invalid at: expected .* in the years 0 to 9999/,
      ],
    ),
    [{ subject: record('odd.a.test', 'TXT'), to: 'a\u0007b' }, /^shift_invalid to: .* one line/],
    [
      { subject: record('odd.a.test', 'TXT'), to: long.join(' ') },
      /^shift_invalid to: .* 1 to 4096 char/,
    ],
    [{ guard: { ...planOf().guard!, errorShare: 2 } }, /guard\.errorShare/],
    [{ guard: { ...planOf().guard!, latencyFactor: 0.5 } }, /guard\.latencyFactor/],
    [{ guard: { ...planOf().guard!, minimumRequests: 0.5 } }, /guard\.minimumRequests/],
  ];
  for (const [more, expected] of cases) assert.match(refusal(more), expected);
  assert.equal(refusal({}), 'accepted');
  assert.equal(refusal({ subject: record('api.a.test'), to: 'eu', steps: [40, 100] }), 'accepted');
  assert.equal(refusal({ subject: record('api.a.test'), to: 'eu', steps: [20, 0] }), 'accepted');
});

test('of one subject there is one shift, and the second is told of the first', () => {
  const first = start({});
  assert.match(
    refusal({}, first),
    /^shift_exists route shop has shift abababab already, scheduled, by ana/,
  );
  assert.equal(
    refusal({ subject: record('api.a.test'), to: 'eu', steps: [40] }, first),
    'accepted',
  );
  // One that is over goes on from where it stands, with the same target only.
  const done = operateShift(first, 'abababab', 'finish', undefined, {}, author());
  assert.match(
    refusal({ to: 'shop', steps: [60] }, done),
    /^shift_exists .* "canary" by shift abababab/,
  );
  assert.match(refusal({ steps: [40, 60] }, done), /from the 50 % that it has now/);
  const back = start({ steps: [20, 10] }, done, 'ef'.repeat(12));
  assert.deepEqual(
    back.shifts.map(({ id, from }) => [id, from]),
    [['efefefef', 50]],
  );
});

test('two regions are not drained at once where nobody would be left', () => {
  const first = start(drain('eu'));
  assert.match(refusal(drain('us'), first), /^shift_unsafe us cannot .* eu gives clients away too/);
  const three = configOf();
  const one = startShift(undefined, planOf(drain('eu')), three, author());
  const two = startShift(one, planOf(drain('us')), three, author('cd'.repeat(12)));
  assert.throws(() => startShift(two, planOf(drain('ap')), three, author('ef'.repeat(12))), {
    code: 'shift_unsafe',
  });
  const edges = configSchema.parse({
    ...{ regions: { eu: at('192.0.2.1'), rim: at('192.0.2.2', 'edge') } },
    services: { shop: { endpoints: { eu: ['a:1'] } } },
  });
  assert.throws(() => startShift(undefined, planOf(drain('eu')), edges, author()), {
    message: /eu cannot give its clients away: there is no other region that serves/,
  });
  startShift(undefined, planOf(drain('rim')), edges, author());
  // The way back is always free.
  const drained = operateShift(first, 'abababab', 'finish', undefined, {}, author());
  assert.equal(refusal(drain('eu', [50, 100]), drained), 'accepted');
  assert.deepEqual(leftBehind('us', config), ['only.a.test A']);
});

test('an operation is for a shift in the right state, and says so else', () => {
  const scheduled = start({});
  const tell = (document: ShiftDocument, operation: Parameters<typeof operateShift>[2]) =>
    operateShift(document, 'abababab', operation, undefined, {}, author());
  for (const operation of ['pause', 'resume', 'advance'] as const) {
    assert.throws(() => tell(scheduled, operation), { code: 'shift_not_possible' });
  }
  assert.throws(() => operateShift(scheduled, 'none', 'abort', undefined, {}, author()), {
    code: 'shift_unknown',
  });
  const running = {
    ...scheduled,
    shifts: [{ ...scheduled.shifts[0]!, state: 'running' as const }],
  };
  const paused = tell(tell(running, 'advance'), 'pause');
  assert.deepEqual([paused.shifts[0]!.state, shareOfShift(paused.shifts[0]!)], ['paused', 20]);
  const last = tell(tell(paused, 'resume'), 'advance');
  assert.throws(() => tell(last, 'advance'), { message: /at its last step/ });
  const done = tell(last, 'finish');
  assert.deepEqual([done.shifts[0]!.state, shareOfShift(done.shifts[0]!)], ['done', 50]);
  const aborted = tell(done, 'abort');
  assert.equal(isInForce(aborted.shifts[0]!), false);
  assert.throws(() => tell(aborted, 'abort'), { code: 'shift_not_possible' });
});
