import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, startDataServer, tokens } from '../../../test/support/data-server.ts';
import { dataError } from '../errors.ts';

const key = (name: string) => `/v1/buckets/ledger/keys/${name}`;

test('a value is written, read, compared by its version, and removed', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  world.ledger.staleForMs = 12.3;
  const octets = new Uint8Array(256).map((_, index) => index);
  const put = await ask(world, 'PUT', key('orders.2026/11'), { body: octets });
  assert.deepEqual([put.status, put.headers.get('etag')], [204, '"1"']);
  for (const target of [key('orders.2026/11'), key('orders%2E2026%2f11')]) {
    const got = await ask(world, 'GET', target);
    assert.deepEqual([got.status, got.body], [200, Buffer.from(octets)]);
    assert.equal(got.headers.get('etag'), '"1"');
    assert.equal(got.headers.get('meridian-staleness-ms'), '13');
    assert.equal(got.headers.get('meridian-region'), 'eu');
    assert.equal(got.headers.get('x-content-type-options'), 'nosniff');
  }
  const head = await ask(world, 'HEAD', key('orders.2026/11'));
  assert.deepEqual(
    [head.status, head.headers.get('content-length'), head.body.length],
    [200, '256', 0],
  );
  assert.equal((await ask(world, 'DELETE', key('orders.2026/11'))).status, 204);
  assert.equal((await ask(world, 'DELETE', key('orders.2026/11'))).status, 204);
  world.ledger.staleForMs = Number.POSITIVE_INFINITY;
  const gone = await ask(world, 'GET', key('orders.2026/11'));
  assert.deepEqual([gone.status, gone.code], [404, 'no_value']);
  assert.equal(gone.headers.get('meridian-staleness-ms'), 'unknown');
});

test('conditions of writes are those of HTTP', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const put = (headers: Record<string, string>) =>
    ask(world, 'PUT', key('a'), { body: 'x', headers });
  const cases: [Record<string, string>, number, string?][] = [
    [{ 'if-match': '*' }, 412, 'precondition_failed'],
    [{ 'if-match': '"1"' }, 412, 'precondition_failed'],
    [{ 'if-none-match': '*' }, 201],
    [{ 'if-none-match': '*' }, 412, 'precondition_failed'],
    [{ 'if-match': '"7", W/"1" ,, "1"' }, 204],
    [{ 'if-match': 'W/"2"' }, 412, 'precondition_failed'],
    [{ 'if-match': '*' }, 204],
    [{ 'if-match': '"a' }, 400, 'bad_parameter'],
    [{ 'if-match': '3' }, 400, 'bad_parameter'],
    [{ 'if-none-match': '"3"' }, 400, 'bad_parameter'],
    [{ 'if-match': '"3"', 'if-none-match': '*' }, 400, 'bad_parameter'],
  ];
  for (const [headers, status, code] of cases) {
    const answer = await put(headers);
    assert.deepEqual([answer.status, answer.code], [status, code], JSON.stringify(headers));
    if (code) assert.equal((answer.json as { outcome: string }).outcome, 'none');
  }
  const wrong = await ask(world, 'DELETE', key('a'), { headers: { 'if-match': '"1"' } });
  assert.equal(wrong.code, 'precondition_failed');
  const right = await ask(world, 'DELETE', key('a'), { headers: { 'if-match': '"3"' } });
  assert.equal(right.status, 204);
});

test('a write that must be confirmed everywhere is refused by an async bucket, and not done', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const write = async (method: string, bucket: string, consistency: string) => {
    const target = `/v1/buckets/${bucket}/keys/a?consistency=${consistency}`;
    const answer = await ask(world, method, target, method === 'PUT' ? { body: 'x' } : {});
    return answer.code ?? answer.status;
  };
  for (const method of ['PUT', 'DELETE']) {
    assert.equal(await write(method, 'ledger', 'strong'), 204);
    assert.equal(await write(method, 'ledger', 'local'), 'bad_parameter');
  }
  assert.equal(await write('PUT', 'history', 'strong'), 'consistency_not_offered');
  assert.equal((await world.history.get('a')).entry, undefined);
  await world.history.put('a', Buffer.from('x'));
  assert.equal(await write('DELETE', 'history', 'strong'), 'consistency_not_offered');
  assert.ok((await world.history.get('a')).entry);
});

test('a list of commas and spaces is read in a time that does not explode', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const field = `"1"${` ,${' '.repeat(12)}`.repeat(900)}x`;
  const answer = await ask(world, 'PUT', key('a'), { body: 'x', headers: { 'if-match': field } });
  assert.equal(answer.code, 'bad_parameter');
});

test('conditions of reads spare what the client has', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  await ask(world, 'PUT', key('a'), { body: 'x' });
  const get = async (headers: Record<string, string>, name = 'a') =>
    (await ask(world, 'GET', key(name), { headers })).status;
  assert.equal(await get({ 'if-none-match': '"1"' }), 304);
  assert.equal(await get({ 'if-none-match': 'W/"0", W/"1"' }), 304);
  assert.equal(await get({ 'if-none-match': '*' }), 304);
  assert.equal(await get({ 'if-none-match': '"0"' }), 200);
  assert.equal(await get({ 'if-match': '"0"' }), 412);
  assert.equal(await get({ 'if-match': '"1"' }), 200);
  assert.equal(await get({ 'if-none-match': '*' }, 'b'), 404);
  assert.equal(await get({ 'if-match': '*' }, 'b'), 412);
});

test('pages follow each other, with values where they are asked for', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  for (const name of ['a.1', 'a.2', 'a.3', 'b']) await world.ledger.put(name, Buffer.from(name));
  const list = async (query: string) => {
    const { json } = await ask(world, 'GET', `/v1/buckets/ledger/keys?${query}`);
    return json as { entries: { key: string; value?: string }[]; cursor: string | null };
  };
  const first = await list('prefix=a.&limit=2&values=true');
  assert.deepEqual(
    first.entries.map(({ key: name, value = '' }) => [name, atob(value)]),
    [
      ['a.1', 'a.1'],
      ['a.2', 'a.2'],
    ],
  );
  const second = await list(`prefix=a.&limit=2&cursor=${first.cursor}`);
  assert.deepEqual(second, { entries: [{ key: 'a.3', version: '3' }], cursor: null });
  assert.equal((await list('')).entries.length, 4);
  const wrong: [string, string][] = [
    [`prefix=b&cursor=${first.cursor}`, 'cursor_invalid'],
    ['cursor=1', 'cursor_invalid'],
    [`cursor=2${first.cursor?.slice(1)}`, 'cursor_invalid'],
    ['prefix=a..', 'key_invalid'],
    ['prefix=%ff', 'key_invalid'],
    ['limit=0', 'bad_parameter'],
    ['limit=1001', 'bad_parameter'],
    ['limit=1e1', 'bad_parameter'],
    ['values=yes', 'bad_parameter'],
    ['limit=1&limit=2', 'bad_parameter'],
    ['offset=1', 'bad_parameter'],
  ];
  for (const [query, code] of wrong) {
    assert.equal((await ask(world, 'GET', `/v1/buckets/ledger/keys?${query}`)).code, code, query);
  }
});

test('several keys are read at once, and by what consistency is asked for', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  await world.ledger.put('a', Buffer.from('1'));
  const read = (bucket: string, body: unknown, type = 'application/json') =>
    ask(world, 'POST', `/v1/buckets/${bucket}/read`, {
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': type },
    });
  const { json } = await read('ledger', { keys: ['b', 'a'], consistency: 'strong' });
  assert.deepEqual(json, {
    entries: [
      { key: 'b', version: null },
      { key: 'a', version: '1', value: btoa('1') },
    ],
  });
  const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}`);
  assert.equal((await read('ledger', { keys: keys(100) })).status, 200);
  const wrong: [unknown, string][] = [
    [{ keys: keys(101) }, 'bad_body'],
    [{ keys: [] }, 'bad_body'],
    [{ keys: ['a', 7] }, 'bad_body'],
    [{ keys: ['a b'] }, 'key_invalid'],
    [{ keys: ['a'], consistency: 'eventual' }, 'bad_body'],
    [{ keys: ['a'], also: 1 }, 'bad_body'],
    ['null', 'bad_body'],
    ['{', 'bad_body'],
    [{ keys: ['k'.repeat(70_000)] }, 'value_too_large'],
  ];
  for (const [body, code] of wrong) assert.equal((await read('ledger', body)).code, code);
  assert.equal((await read('ledger', '{}', 'text/plain')).code, 'unsupported_media_type');
  const strong = await read('history', { keys: ['a'], consistency: 'strong' });
  assert.equal(strong.code, 'consistency_not_offered');
  const unknown = await ask(world, 'GET', `${key('a')}?consistency=quorum`);
  assert.equal(unknown.code, 'bad_parameter');
});

test('values that are too many for one answer are marked and left out', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const big = new Uint8Array(500 * 1024);
  world.ledger.get = async (name) => ({
    entry: { key: name, value: big, version: '1' },
    staleForMs: 0,
  });
  const body = JSON.stringify({ keys: Array.from({ length: 20 }, (_, index) => `k${index}`) });
  const headers = { 'content-type': 'application/json' };
  const { json } = await ask(world, 'POST', '/v1/buckets/ledger/read', { body, headers });
  const { entries } = json as { entries: { value?: string; omitted?: true }[] };
  assert.deepEqual(
    entries.map(({ value, omitted }) => (value === undefined) === (omitted === true)),
    Array(20).fill(true),
  );
  assert.equal(entries.filter(({ omitted }) => omitted).length, 4);
  const served = { ...world.settings.buckets.get('ledger')!, maximumValueBytes: 512 * 1024 };
  world.server.update({ ...world.settings, buckets: new Map([['ledger', served]]) });
  const read: string[] = [];
  const get = world.ledger.get;
  world.ledger.get = (name) => {
    read.push(name);
    return get(name);
  };
  const many = { keys: Array.from({ length: 100 }, (_, index) => `k${index}`) };
  const most = await ask(world, 'POST', '/v1/buckets/ledger/read', {
    ...{ body: JSON.stringify(many), headers },
  });
  const all = (most.json as { entries: { key: string; omitted?: true }[] }).entries;
  assert.deepEqual(
    all.slice(16),
    many.keys.slice(16).map((key) => ({ key, omitted: true })),
  );
  assert.ok(read.length <= 32, 'what has no room is not read either');
});

test('lost writes are told page by page, to who may read the bucket', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const lost = (index: number) => ({
    ...{ key: `k${index}`, version: `${index}@eu`, value: Buffer.from([index, 255]) },
    ...{ deleted: false, lostTo: `${index}@us`, recordedAtMs: 1_700_000_000_000.5 + index },
  });
  world.history.lost = [lost(1), { ...lost(2), value: Buffer.of(), deleted: true }, lost(3)];
  const path = '/v1/buckets/history/lost';
  const first = await ask(world, 'GET', `${path}?limit=2`);
  const told = { lostTo: '1@us', recordedAtMs: 1_700_000_000_001 };
  assert.deepEqual(first.json, {
    entries: [
      { key: 'k1', version: '1@eu', value: btoa('\x01\xff'), ...told },
      {
        key: 'k2',
        version: '2@eu',
        deleted: true,
        lostTo: '2@us',
        recordedAtMs: 1_700_000_000_002,
      },
    ],
    cursor: '2',
  });
  assert.equal(first.headers.get('meridian-region'), 'eu');
  const second = await ask(world, 'GET', `${path}?cursor=2`);
  const { entries, cursor } = second.json as { entries: { key: string }[]; cursor: null };
  assert.deepEqual([entries.map((entry) => entry.key), cursor], [['k3'], null]);
  const wrong: [string, string][] = [
    ['?cursor=', 'cursor_invalid'],
    ['?cursor=-1', 'cursor_invalid'],
    [`?cursor=${'9'.repeat(4_000)}`, 'cursor_invalid'],
    [`?cursor=${'9'.repeat(5_000)}`, 'bad_parameter'],
    ['?cursor=1&cursor=2', 'bad_parameter'],
    ['?limit=0', 'bad_parameter'],
    ['?limit=1001', 'bad_parameter'],
    ['?prefix=k', 'bad_parameter'],
  ];
  for (const [query, code] of wrong) {
    assert.equal((await ask(world, 'GET', path + query)).code, code, query);
  }
  const denied = await ask(world, 'GET', path, { token: tokens.reader });
  assert.equal(denied.code, 'bucket_unknown');
  const ledger = await ask(world, 'GET', '/v1/buckets/ledger/lost', { token: tokens.reader });
  assert.deepEqual(ledger.json, { entries: [], cursor: null });
  assert.equal((await ask(world, 'GET', '/v1/buckets/far/lost')).code, 'not_resident');
});

test('a service sees its own buckets, and learns nothing of others', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  world.history.state = { ...world.history.state, lagMs: new Map([['us', 40]]), lost: 2 };
  const { json } = await ask(world, 'GET', '/v1/buckets');
  const { buckets } = json as { buckets: { name: string; resident: boolean; lagMs?: object }[] };
  assert.deepEqual(
    buckets.map(({ name, resident, lagMs }) => [name, resident, lagMs]),
    [
      ['ledger', true, {}],
      ['history', true, { us: 40 }],
      ['far', false, undefined],
    ],
  );
  const get = (bucket: string, token: string) =>
    ask(world, 'GET', `/v1/buckets/${bucket}/keys/a`, { token });
  const foreign = await get('secret', tokens.writer);
  const unknown = await get('nothing', tokens.writer);
  assert.deepEqual([foreign.status, foreign.json], [404, unknown.json]);
  assert.equal((await get('constructor', tokens.stranger)).code, 'bucket_unknown');
  assert.equal((await get('ledger', tokens.reader)).code, 'no_value');
  const denied = await ask(world, 'PUT', key('a'), { token: tokens.reader, body: 'x' });
  assert.deepEqual([denied.status, denied.code], [403, 'not_allowed']);
  const far = await get('far', tokens.writer);
  assert.deepEqual([far.status, far.code], [421, 'not_resident']);
  assert.deepEqual((far.json as { regions: string[] }).regions, ['ap', 'us']);
});

test('without a token that is known nothing is told but what the API is', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${tokens.writer}`]) {
    const headers = { authorization };
    const answer = await ask(world, 'GET', key('a'), { token: '', headers });
    assert.deepEqual([answer.status, answer.code], [401, 'not_authenticated'], authorization);
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer /);
    assert.ok(!answer.body.includes('wrong'));
  }
  const document = await ask(world, 'GET', '/openapi.json', { token: '' });
  assert.equal((document.json as { openapi: string }).openapi, '3.1.1');
  assert.equal((await ask(world, 'GET', '/v2', { token: '' })).code, 'not_found');
  const post = await ask(world, 'POST', key('a'), { body: '' });
  assert.deepEqual(
    [post.code, post.headers.get('allow')],
    ['method_not_allowed', 'GET, HEAD, PUT, DELETE'],
  );
});

test('what a bucket says comes out with its code and outcome; a defect is told to the log alone', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const put = () => ask(world, 'PUT', key('a'), { body: 'x' });
  world.ledger.before = () => {
    throw dataError('no_quorum', 'not confirmed in time', { outcome: 'unknown' });
  };
  const unknown = await put();
  assert.deepEqual([unknown.status, unknown.code], [503, 'no_quorum']);
  const { outcome, retryable } = unknown.json as { outcome: string; retryable: boolean };
  assert.deepEqual([outcome, retryable], ['unknown', true]);
  const read = await ask(world, 'GET', key('a'));
  assert.equal((read.json as { outcome?: string }).outcome, undefined);
  assert.equal(read.headers.get('retry-after'), '1');
  const defect = new Error('with a secret in it');
  world.ledger.before = () => {
    throw defect;
  };
  const internal = await put();
  assert.deepEqual([internal.status, internal.code], [500, 'internal_error']);
  assert.ok(!internal.body.includes('secret'));
  assert.equal((internal.json as { outcome: string }).outcome, 'unknown');
  assert.deepEqual(world.failures, [defect]);
  world.ledger.before = () => undefined;
  for (let index = 0; index < 10; index++) {
    await ask(world, 'PUT', key(`fill${index}`), { body: 'x'.repeat(1_000) });
  }
  const full = await ask(world, 'PUT', key('last'), { body: 'x'.repeat(1_000) });
  assert.deepEqual([full.status, full.code], [507, 'bucket_full']);
});

test('what was asked is counted', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  await ask(world, 'PUT', key('a'), { body: 'four' });
  await ask(world, 'GET', key('a'));
  await ask(world, 'GET', key('b'));
  await ask(world, 'GET', '/nothing');
  const { requests, durations, receivedBytes, sentBytes } = world.server.figures();
  assert.deepEqual(requests, [
    { operation: 'put', status: 204, count: 1 },
    { operation: 'get', status: 200, count: 1 },
    { operation: 'get', status: 404, count: 1 },
    { operation: 'other', status: 404, count: 1 },
  ]);
  const gets = durations.get?.slice(1).reduce((sum, count) => sum + count, 0);
  assert.equal(gets, 2);
  assert.ok(receivedBytes === 4 && sentBytes > 4);
});
