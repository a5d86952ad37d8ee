import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { CommandThread } from '../../test/support/command-thread.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { start } from '../admin/testdata/fake-node.ts';
import { parseGuard, parseSteps, parseTime } from './shift-options.ts';

const folder = await temporaryDirectory('cli-shift');
writeFileSync(join(folder, 'token'), 'the-token\n');
process.chdir(folder);
const commands = new CommandThread();
after(() => commands.close());

async function operated(t: TestContext) {
  const { node, port } = await start(t);
  const meridian = (...args: string[]) =>
    commands.run(args[0] === '..plan' ? ['plan', ...args.slice(1)] : ['shift', ...args], {
      NO_COLOR: '1',
      MERIDIAN_ADMIN_URL: `http://127.0.0.1:${port}`,
      MERIDIAN_ADMIN_TOKEN_FILE: 'token',
    });
  return { node, meridian };
}

const startShop = [
  'start',
  '--route',
  'shop',
  '--to',
  'canary',
  '--steps',
  '1,5,25',
  '--author',
  'ana',
];

test('a shift from its start to its end', async (t) => {
  const { node, meridian } = await operated(t);
  assert.equal((await meridian('status')).stdout, 'no shifts\n');
  const begun = await meridian(...startShop, '--every', '5m', '--guard', 'errors=1%,then=abort');
  assert.equal(begun.status, 0, begun.stderr);
  assert.match(begun.stdout, /^shift [0-9a-f]{8}: route shop to canary, 0 → 1 → 5 → 25 %\n/);
  assert.match(begun.stdout, /begins at once, looks on for 30 s, a step every 5 min; aborts when/);
  assert.deepEqual(node.shifts.started[0]?.plan.guard, {
    errorShare: 0.01,
    latencyFactor: 2,
    minimumRequests: 100,
    onBreach: 'abort',
  });
  const [shown, again, finished] = [
    await meridian('status'),
    await meridian(...startShop),
    await meridian('finish', 'shop', '--message', 'all is well', '--author', 'ana'),
  ];
  assert.match(shown.stdout, /route shop +canary +0 % +0 of 3 +scheduled/);
  assert.equal(again.status, 1);
  assert.match(
    again.stderr,
    /^meridian: route shop has shift [0-9a-f]{8} already, scheduled, by ana/,
  );
  assert.match(finished.stdout, /^shift [0-9a-f]{8} is done: route shop to canary at 25 %\n$/);
  const [history, waited] = [await meridian('history'), await meridian('wait', 'shop', '--json')];
  assert.match(history.stdout, /finish +25 % +ana +all is well/);
  assert.deepEqual([waited.status, JSON.parse(waited.stdout).shift.state], [0, 'done']);
});

test('what others have changed since it was looked at is not advanced, and the command says so', async (t) => {
  const { node, meridian } = await operated(t);
  await meridian(...startShop);
  const seen = await node.shifts.list();
  assert.equal((await meridian('finish', 'shop')).status, 0);
  node.shifts.list = async () => seen;
  const [again, held] = [await meridian('finish', 'shop'), await meridian('abort', 'shop')];
  assert.equal(again.status, 1);
  assert.match(
    again.stderr,
    /^meridian: shift [0-9a-f]{8} has changed since .*: it is done now, at step 3 of 3 \(25 %\)/,
  );
  assert.equal(held.status, 0, 'whatever it is by now');
});

test('a revision that would end a shift says so before', async (t) => {
  const { meridian } = await operated(t);
  await meridian(...startShop);
  const write = (weight: number) =>
    writeFileSync(
      join(folder, 'next.json'),
      JSON.stringify({
        regions: { 'eu-west-1': { address: '192.0.2.1', location: { latitude: 0, longitude: 0 } } },
        services: {
          shop: { endpoints: { 'eu-west-1': ['a:1'] } },
          canary: { endpoints: { 'eu-west-1': ['b:1'] } },
        },
        routes: [
          {
            name: 'shop',
            services: [
              { service: 'shop', weight: 100 },
              { service: 'canary', weight },
            ],
          },
        ],
      }),
    );
  write(0);
  assert.doesNotMatch((await meridian('..plan', 'next.json')).stdout, /ends shift/);
  write(5);
  const plan = await meridian('..plan', 'next.json');
  assert.match(
    plan.stdout,
    /ends shift [0-9a-f]{8} of route shop, at 0 %: its weights are changed/,
  );
});

test('a region is drained and restored by its name', async (t) => {
  const { node, meridian } = await operated(t);
  const drained = await meridian(
    'drain',
    'us-east-1',
    '--observe',
    '0s',
    '--at',
    '+1h',
    '--guard',
    'off',
  );
  assert.equal(drained.status, 0, drained.stderr);
  assert.match(
    drained.stdout,
    /what region us-east-1 keeps of its clients, 100 → 75 → 50 → 25 → 0 %/,
  );
  const { plan } = node.shifts.started[0]!;
  assert.deepEqual([plan.everyMs, plan.guard], [60_000, undefined]);
  assert.ok(Math.abs(Date.parse(plan.startAt ?? '') - Date.now() - 3_600_000) < 60_000);
  assert.equal((await meridian('finish', 'us-east-1')).status, 0);
  const restored = await meridian('restore', 'us-east-1', '--steps', '100', '--json');
  assert.deepEqual(JSON.parse(restored.stdout).shift.from, 0);
});

test('bad usage is status 2, what is refused status 1', async (t) => {
  const { meridian } = await operated(t);
  const usage = ['start', '--to', 'canary', '--steps', '5'];
  const results = await Promise.all([
    meridian(...usage),
    meridian(...usage, '--route', 'shop', '--record', 'a'),
    meridian('start', '--route', 'shop', '--to', 'canary', '--steps', '5,x'),
    meridian(...usage, '--route', 'shop', '--guard', 'errors=200%'),
    meridian(...usage, '--route', 'shop', '--at', 'tomorrow'),
    meridian('drain'),
  ]);
  assert.deepEqual(results.map(({ status }) => status).slice(2), [2, 2, 2, 2]);
  for (const { status } of results.slice(0, 2)) assert.notEqual(status, 0);
  assert.match(results[0]!.stderr, /expected --route or --record/);
  const [none, unknown] = [
    await meridian('pause', '--json'),
    await meridian('start', '--route', 'nope', '--to', 'x', '--steps', '5'),
  ];
  assert.equal(JSON.parse(none.stdout).error.code, 'shift_unknown');
  assert.match(unknown.stderr, /route: the configuration has no route "nope"/);
  assert.deepEqual([none.status, unknown.status], [1, 1]);
});

test('what people type is read as they mean it, or refused', () => {
  assert.deepEqual(parseSteps('1, 5%,12.5,100'), [1, 5, 12.5, 100]);
  for (const text of ['', '1,,2', '101', '1.234', '-1']) assert.throws(() => parseSteps(text));
  assert.equal(parseGuard('off'), 'off');
  assert.deepEqual(parseGuard('errors=0.05,latency=1.5,requests=0,then=pause'), {
    errorShare: 0.05,
    latencyFactor: 1.5,
    minimumRequests: 0,
    onBreach: 'pause',
  });
  for (const text of ['on', 'errors', 'latency=0.5', 'then=stop', 'requests=-1']) {
    assert.throws(() => parseGuard(text), text);
  }
  assert.equal(parseTime('2026-03-01T04:00+02:00'), '2026-03-01T02:00:00.000Z');
  assert.equal(parseTime('+90s', 0), '1970-01-01T00:01:30.000Z');
  for (const text of [
    '2026-03-01',
    '04:00',
    '2026-13-01T00:00Z',
    '+soon',
    '9999-12-31T23:59-01:00',
  ]) {
    assert.throws(() => parseTime(text), text);
  }
});
