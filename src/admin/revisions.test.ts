import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeridianError } from '../base/errors.ts';
import { ConfigError } from '../config/config-error.ts';
import { revisionError } from '../revisions/errors.ts';
import { storeError } from '../store/errors.ts';
import { type AskOptions, assertProblem, revision, start } from './testdata/fake-node.ts';

const token = { authorization: 'Bearer the-token' };
const hash = 'ab'.repeat(32);

function posting(value: unknown, more: Record<string, string> = {}): AskOptions {
  const body = typeof value === 'string' ? value : JSON.stringify(value);
  return { headers: { ...token, 'content-type': 'application/json', ...more }, body };
}

const change = { document: { regions: {} }, base: null, author: 'ana@laptop', message: '' };

test('reading needs no token and passes on what was asked', async (t) => {
  const { ask, node } = await start(t);
  const { head } = (await ask('GET', '/config')).json() as { head: object };
  assert.deepEqual(head, JSON.parse(JSON.stringify({ version: 1, current: revision })));
  const running = { document: { regions: {} }, serial: 7 };
  assert.deepEqual((await ask('GET', '/config/document')).json(), running);
  await ask('GET', '/config/document?sequence=12');
  assert.equal(((await ask('GET', '/config/history')).json().revisions as []).length, 1);
  await ask('GET', '/config/history?limit=3');
  assert.equal((await ask('GET', '/config/progress?sequence=12')).status, 200);
  assert.deepEqual((await ask('GET', '/config/drift')).json(), { nodes: [] });
  const bundle = await ask('GET', '/config/bundle');
  assert.deepEqual([...bundle.octets], [0, 255, 10]);
  assert.equal(bundle.headers['content-type'], 'application/octet-stream');
  assert.deepEqual(node.asked.calls, [
    ['current'],
    ['document', undefined],
    ['document', 12],
    ['history', 20],
    ['history', 3],
    ['progress', 12],
    ['current'],
    ['drift'],
    ['bundle'],
  ]);
});

test('numbers that are none are refused by name', async (t) => {
  const { ask, node } = await start(t);
  for (const [path, name] of [
    ['/config/document?sequence=0', 'sequence'],
    ['/config/document?sequence=1e3', 'sequence'],
    ['/config/progress?sequence=-1', 'sequence'],
    ['/config/progress?sequence=99999999999999999999', 'sequence'],
    ['/config/history?limit=1001', 'limit'],
    ['/config/history?limit=%201', 'limit'],
  ] as const) {
    const reply = await ask('GET', path);
    assertProblem(reply, 400, 'bad_parameter');
    assert.match(String(reply.json().detail), new RegExp(`^${name}: expected a whole number`));
  }
  assert.deepEqual(node.asked.calls, []);
});

test('apply hands over base, words and the rollout with its defaults', async (t) => {
  const { ask, node } = await start(t);
  const plain = await ask('POST', '/config/apply', posting(change));
  assert.equal((plain.json().revision as { sequence: number }).sequence, 12);
  const base = { sequence: 11, hash };
  const waves = [['us-east-1'], ['eu-west-1']];
  await ask('POST', '/config/apply', posting({ ...change, base, waves }));
  const bounds = { pauseSeconds: 0.5, errorShare: 0.1, readyShare: 0.5 };
  await ask('POST', '/config/apply', posting({ ...change, base, waves, ...bounds }));
  const named = { supersede: true, change: 'ef'.repeat(12) };
  await ask('POST', '/config/apply', posting({ ...change, ...named }));
  const of = (rollout: unknown, on: unknown, more: object = {}) => [
    'apply',
    { ...change, base: on, rollout, supersede: false, change: undefined, ...more },
  ];
  assert.deepEqual(node.asked.calls, [
    of(undefined, undefined),
    of({ waves, pauseMs: 30_000, bounds: { errorShare: 0.01, readyShare: 1 } }, base),
    of({ waves, pauseMs: 500, bounds: { errorShare: 0.1, readyShare: 0.5 } }, base),
    of(undefined, undefined, named),
  ]);
  const back = { base, author: 'ana', message: 'worse' };
  await ask('POST', '/config/rollback', posting({ ...back, to: 9 }));
  await ask('POST', '/config/rollback', posting(back));
  assert.deepEqual(node.asked.calls.slice(4), [
    ['rollback', { ...back, to: 9, change: undefined }],
    ['rollback', { ...back, to: undefined, change: undefined }],
  ]);
});

test('a wrong shape is refused by the name of its field, and by nothing of its value', async (t) => {
  const { ask, node } = await start(t);
  const cases: [unknown, string, RegExp?][] = [
    ['{"document": {"password": "hunter2"', '', /^the body is not JSON/],
    ['\u0000', '', /^the body is not JSON/],
    [[], ''],
    [{ ...change, document: [] }, 'document', /^document: expected a configuration$/],
    [{ ...change, document: undefined }, 'document'],
    [{ ...change, base: undefined }, 'base'],
    [{ ...change, base: { sequence: 1, hash: 'hunter2' } }, 'base.hash'],
    [{ ...change, base: { sequence: 1.5, hash } }, 'base.sequence'],
    [{ ...change, base: { sequence: 1, hash, more: 1 } }, 'base'],
    [{ ...change, author: null }, 'author'],
    [{ ...change, message: 5 }, 'message'],
    [{ ...change, waves: [] }, 'waves'],
    [{ ...change, waves: [['eu'], ['us', 5]] }, 'waves[1][1]'],
    [{ ...change, waves: [['EU!hunter2']] }, 'waves[0][0]'],
    [{ ...change, waves: [['eu']], errorShare: 1.5 }, 'errorShare'],
    [{ ...change, pauseSeconds: 3 }, 'pauseSeconds', /means nothing without `waves`/],
    [{ ...change, hunter: 2 }, '', /hunter/],
    [`{"__proto__": {"base": null}, ${JSON.stringify(change).slice(1)}`, '', /__proto__/],
  ];
  for (const [value, field, detail = /./] of cases) {
    const reply = await ask('POST', '/config/apply', posting(value));
    assertProblem(reply, 400, 'bad_body');
    assert.equal(reply.json().field ?? '', field, reply.body);
    assert.match(String(reply.json().detail), detail);
    assert.ok(!reply.body.includes('hunter2'), reply.body);
  }
  const latin = { ...posting(''), body: Buffer.from('{"author":"\xe9"}', 'latin1') };
  assertProblem(await ask('POST', '/config/apply', latin), 400, 'bad_body');
  assert.deepEqual(node.asked.calls, []);
});

test('errors of what is asked keep their code and their facts', async (t) => {
  const { ask, node, failures } = await start(t);
  const cases: [unknown, number, string, object, string?][] = [
    [
      revisionError('revision_conflict', 'changed', { details: { found: { sequence: 13 } } }),
      409,
      'revision_conflict',
      { found: { sequence: 13 } },
    ],
    [revisionError('revision_unknown', 'none'), 404, 'revision_unknown', {}],
    [new MeridianError('no_store', 'a file'), 409, 'no_store', {}],
    [revisionError('rollout_running', 'wait'), 409, 'rollout_running', {}],
    [revisionError('outcome_unknown', 'perhaps'), 503, 'outcome_unknown', {}, '2'],
    [
      storeError('no_quorum', 'no majority', { outcome: 'unknown', bucket: 'config' }),
      503,
      'no_quorum',
      { outcome: 'unknown', bucket: 'config' },
      '2',
    ],
    [storeError('store_unreachable', 'gone'), 503, 'store_unreachable', { outcome: 'none' }, '2'],
    [new MeridianError('secret_key_wrong', 'other'), 503, 'secret_key_wrong', {}, '60'],
    [
      new MeridianError('no_quorum', 'x', { details: { status: 200, code: 'fine' } }),
      503,
      'no_quorum',
      {},
      '2',
    ],
  ];
  for (const [error, status, code, facts, retryAfter] of cases) {
    node.asked.fails = error;
    const reply = await ask('POST', '/config/apply', posting(change));
    assertProblem(reply, status, code);
    const { type, title, status: stated, code: named, detail, ...members } = reply.json();
    assert.deepEqual({ ...facts, ...members }, { ...members, ...facts });
    assert.equal(reply.headers['retry-after'], retryAfter);
  }
  assert.deepEqual(failures, []);
  node.asked.fails = new MeridianError('of_nobody', 'password=hunter2');
  const reply = await ask('GET', '/config/history');
  assertProblem(reply, 500, 'internal_error');
  assert.ok(!reply.body.includes('hunter2'));
  assert.equal(failures.length, 1);
});

test('an invalid configuration comes back with its mistakes, of thousands the first', async (t) => {
  const { ask, node } = await start(t);
  const issue = (n: number) => ({ file: 'document', path: `routes[${n}]`, message: 'is wrong' });
  node.asked.fails = new ConfigError('config_invalid', [issue(0)]);
  const one = await ask('POST', '/config/apply', posting(change));
  assertProblem(one, 422, 'config_invalid');
  assert.equal(one.json().detail, 'document: routes[0]: is wrong');
  assert.deepEqual(one.json().issues, [issue(0)]);
  const issues = Array.from({ length: 10_000 }, (_, n) => issue(n));
  node.asked.fails = new ConfigError('config_invalid', issues);
  const many = await ask('POST', '/config/apply', posting(change));
  assert.match(String(many.json().detail), /^document: routes\[0\]: is wrong \(and 9999 more\)$/);
  assert.deepEqual([(many.json().issues as []).length, many.json().issueCount], [100, 10_000]);
});

test('secrets go in, are wiped, and only their names come out', async (t) => {
  const { ask, node } = await start(t);
  const headers = { ...token, 'content-type': 'application/octet-stream' };
  const set = await ask('POST', '/secrets/set?name=tsig', { headers, body: 'hunter2' });
  assert.equal(set.status, 200);
  assert.equal(node.kept.values.get('tsig'), 'hunter2');
  assert.deepEqual([...node.kept.lastBuffer!], [0, 0, 0, 0, 0, 0, 0]);
  const listed = await ask('GET', '/secrets');
  assert.equal((listed.json().secrets as { name: string }[])[0]?.name, 'tsig');
  assert.ok(![set, listed].some(({ body }) => body.includes('hunter2')));
  const conflict = await ask('POST', '/secrets/set?name=tsig&version=7', { headers, body: 'x' });
  assertProblem(conflict, 409, 'secret_conflict');
  const rotated = await ask('POST', '/secrets/rotate', { headers: token });
  assert.deepEqual(rotated.json(), { rewrapped: ['tsig'], already: 0, failed: [] });
  assert.equal((await ask('POST', '/secrets/delete?name=tsig', { headers: token })).status, 200);
  const gone = await ask('POST', '/secrets/delete?name=tsig', { headers: token });
  assertProblem(gone, 404, 'secret_unknown');
});
