import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toCanary } from '../shifts/testdata/shop.ts';
import { assertProblem, start } from './testdata/fake-node.ts';

const headers = { authorization: 'Bearer the-token', 'content-type': 'application/json' };
const plan = { ...toCanary, steps: [5, 100] };

test('a shift is begun with what goes without saying, listed, operated and recorded', async (t) => {
  const { ask, node } = await start(t);
  const post = (path: string, body: object) =>
    ask('POST', path, { headers, body: JSON.stringify({ author: 'ana', ...body }) });
  const begun = await post('/shifts/start', plan);
  assert.equal(begun.status, 200, begun.body);
  const { id } = begun.json().shift as { id: string };
  assert.deepEqual(node.shifts.started[0]?.plan, {
    ...plan,
    everyMs: undefined,
    observeMs: 30_000,
    startAt: undefined,
    guard: { errorShare: 0.02, latencyFactor: 2, minimumRequests: 100, onBreach: 'pause' },
  });
  const record = { kind: 'record', name: 'API.example.com.', type: 'a' };
  const more = { to: 'eu-west-1', steps: [80], guard: null, at: '2026-03-01T04:00:00+02:00' };
  assert.equal((await post('/shifts/start', { ...more, subject: record })).status, 200);
  const second = node.shifts.started[1]!.plan;
  assert.deepEqual(second.subject, { kind: 'record', name: 'api.example.com', type: 'A' });
  assert.deepEqual([second.guard, second.startAt], [undefined, '2026-03-01T02:00:00.000Z']);
  const done = await post('/shifts/operate', { id, operation: 'finish' });
  assert.equal((done.json().shift as { state: string }).state, 'done');
  const listed = (await ask('GET', '/shifts')).json().shifts as { subject: string }[];
  assert.deepEqual(listed.map(({ subject }) => subject).sort(), [
    'record api.example.com A',
    'route shop',
  ]);
  const { events } = (await ask('GET', '/shifts/history?limit=2')).json();
  assert.deepEqual(
    (events as { action: string }[]).map(({ action }) => action),
    ['finish', 'start'],
  );
});

test('what is wrong is a problem that names it', async (t) => {
  const { ask } = await start(t);
  const post = (path: string, body: object) =>
    ask('POST', path, { headers, body: JSON.stringify({ author: 'ana', ...body }) });
  assertProblem(await ask('POST', '/shifts/start', { body: '{}' }), 401, 'token_required');
  assertProblem(await post('/shifts/start', { ...plan, steps: ['5'] }), 400, 'bad_body');
  assertProblem(await post('/shifts/start', { ...plan, at: 'soon' }), 400, 'bad_body');
  const invalid = await post('/shifts/start', { ...plan, to: 'nobody' });
  assertProblem(invalid, 422, 'shift_invalid');
  assert.equal(invalid.json().field, 'to');
  assertProblem(await post('/shifts/start', { ...plan, author: 'a\nb' }), 422, 'shift_invalid');
  await post('/shifts/start', plan);
  assertProblem(await post('/shifts/start', plan), 409, 'shift_exists');
  const [{ id, turn }] = (await ask('GET', '/shifts')).json().shifts as [
    { id: string; turn: number },
  ];
  const finish = { id, turn, operation: 'finish' };
  assert.equal((await post('/shifts/operate', finish)).status, 200);
  const changed = await post('/shifts/operate', finish);
  assertProblem(changed, 409, 'shift_conflict');
  const { state, step, turn: now } = changed.json();
  assert.deepEqual([state, step, now], ['done', 2, turn + 1]);
  assertProblem(await post('/shifts/operate', { ...finish, turn: 0 }), 400, 'bad_body');
  const operate = { id: 'none', operation: 'abort' };
  assertProblem(await post('/shifts/operate', operate), 404, 'shift_unknown');
  assertProblem(await post('/shifts/operate', { ...operate, operation: 'x' }), 400, 'bad_body');
  assertProblem(await ask('GET', '/shifts/history?limit=0'), 400, 'bad_parameter');
});
