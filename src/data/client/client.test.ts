import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { test } from 'node:test';
import { startDataServer, tokens } from '../../../test/support/data-server.ts';
import { dataError } from '../errors.ts';
import { createOnce, once } from '../once/once.ts';
import { createDataClient } from './client.ts';
import { DataClientError } from './client-error.ts';
import { EventParser } from './event-parser.ts';

async function world(t: { after(close: () => unknown): void }) {
  const started = await startDataServer();
  t.after(started.close);
  const client = createDataClient({
    url: `${started.url}/`,
    token: tokens.writer,
    timeoutMs: 60_000,
  });
  return { ...started, client, bucket: client.bucket('ledger') };
}

const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();

/** Holds for an error of that code and outcome. */
const failure =
  (code: string, outcome: 'none' | 'unknown' = 'none') =>
  (error: unknown) => {
    assert.ok(error instanceof DataClientError, String(error));
    assert.deepEqual([error.code, error.outcome, error.details.outcome], [code, outcome, outcome]);
    return true;
  };

test('the client does what the API offers, with the types of a bucket', async (t) => {
  const { bucket, ledger } = await world(t);
  ledger.staleForMs = 7;
  const octets = new Uint8Array(256).map((_, index) => index);
  const version = await bucket.put('a/b=.c', octets, { type: 'absent' });
  const { entry, staleForMs } = await bucket.get('a/b=.c', { consistency: 'strong' });
  assert.deepEqual([entry?.key, entry?.version, staleForMs], ['a/b=.c', version, 7]);
  assert.deepEqual(Buffer.from(entry!.value), Buffer.from(octets));
  await assert.rejects(
    bucket.put('a/b=.c', 'x', { type: 'absent' }),
    failure('precondition_failed'),
  );
  const stale = { type: 'version', versions: [] } as const;
  await assert.rejects(bucket.put('a/b=.c', 'x', stale), failure('precondition_failed'));
  await bucket.put('a/b=.c', 'text', { type: 'version', versions: ['9', version] });
  await bucket.put('a/b=.c', 'text', { type: 'exists' });
  await bucket.delete('a/b=.c', { type: 'exists' });
  assert.deepEqual(await bucket.get('a/b=.c'), { entry: undefined, staleForMs: 7 });
});

test('lists and batches of any length come whole', async (t) => {
  const { bucket, ledger } = await world(t);
  const keys = Array.from({ length: 205 }, (_, index) => `k.${String(index).padStart(3, '0')}`);
  for (const key of keys) await ledger.put(key, Buffer.from(key));
  const listed: string[] = [];
  for await (const { key, value } of bucket.list({ prefix: 'k.', pageSize: 50 })) {
    assert.equal(text(value), key);
    listed.push(key);
  }
  assert.deepEqual(listed, keys);
  const reads = await bucket.getAll([...keys, 'none']);
  assert.deepEqual(
    reads.map(({ entry }) => text(entry?.value)),
    [...keys, undefined],
  );
  const big = new Uint8Array(500 * 1024).fill(7);
  ledger.get = async (key) => ({ entry: { key, value: big, version: '1' }, staleForMs: 0 });
  const many = await bucket.getAll(keys.slice(0, 20));
  assert.ok(
    many.every(({ entry }) => entry?.value.length === big.length),
    'those left out too',
  );
});

test('lost writes come whole, page by page', async (t) => {
  const { client, history } = await world(t);
  history.lost = Array.from({ length: 7 }, (_, index) => ({
    ...{ key: `k${index}`, version: `${index}@eu`, value: Buffer.from(index === 3 ? [] : 'x') },
    ...{ deleted: index === 3, lostTo: `${index}@us`, recordedAtMs: index },
  }));
  const told = [];
  for await (const write of client.bucket('history').lostWrites({ pageSize: 3 })) told.push(write);
  assert.deepEqual(told, history.lost);
});

test('errors have the code and the outcome; reads are repeated, writes where nothing was stored', async (t) => {
  const { bucket, client, ledger } = await world(t);
  await assert.rejects(client.bucket('nothing').get('a'), failure('bucket_unknown'));
  await assert.rejects(client.bucket('far').get('a'), (error: DataClientError) => {
    assert.deepEqual(error.regions, ['ap', 'us']);
    return failure('not_resident')(error);
  });
  await assert.rejects(bucket.get('a b'), failure('key_invalid'));
  await assert.rejects(bucket.put('a', 'x'.repeat(2_000)), failure('value_too_large'));
  let calls = 0;
  const failing = (outcome: 'none' | 'unknown', times: number) => {
    calls = 0;
    ledger.before = () => {
      if (++calls <= times) throw dataError('no_quorum', 'for a moment', { outcome });
    };
  };
  failing('unknown', 2);
  assert.equal((await bucket.get('a')).entry, undefined);
  assert.equal(calls, 3);
  failing('none', 2);
  await bucket.put('a', 'x');
  assert.equal(calls, 3);
  failing('unknown', 1);
  await assert.rejects(bucket.put('a', 'x'), failure('no_quorum', 'unknown'));
  assert.equal(calls, 1);
  failing('none', 9);
  await assert.rejects(bucket.get('a'), failure('no_quorum'));
  assert.equal(calls, 4);
});

test('time and signals end a call; what was sent is then unknown', async (t) => {
  const { bucket, ledger } = await world(t);
  ledger.before = () => new Promise((resolve) => setTimeout(resolve, 400));
  await assert.rejects(
    bucket.put('a', 'x', undefined, { timeoutMs: 50 }),
    failure('timeout', 'unknown'),
  );
  await assert.rejects(bucket.get('a', { timeoutMs: 50 }), failure('timeout'));
  const abort = new AbortController();
  const reason = new Error('the caller has gone');
  const call = bucket.get('a', { signal: abort.signal });
  abort.abort(reason);
  await assert.rejects(call, reason);
});

test('where nobody listens nothing was stored; who is no data API is told so', async (t) => {
  const gone = await startDataServer();
  const { url } = gone;
  await gone.close();
  const options = { token: tokens.writer, retries: 0 };
  await assert.rejects(
    createDataClient({ url, ...options })
      .bucket('ledger')
      .put('a', 'x'),
    failure('connection_failed'),
  );
  const other: Server = createServer((_, response) => response.writeHead(502).end('<html>'));
  t.after(() => other.close());
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const client = createDataClient({ url: `http://127.0.0.1:${port}`, ...options });
  await assert.rejects(client.bucket('b').put('a', 'x'), failure('unexpected_answer', 'unknown'));
  assert.throws(() => createDataClient({ token: 'x' }), /MERIDIAN_DATA_URL/);
  assert.throws(() => createDataClient({ url }), /MERIDIAN_DATA_TOKEN/);
});

test('a watch goes on after its connection was lost, with nothing twice and nothing missed', async (t) => {
  const { bucket, ledger, server, settings } = await world(t);
  const abort = new AbortController();
  const seen: string[] = [];
  const events = bucket.watch({ prefix: 'k', signal: abort.signal });
  const until = async (end: string) => {
    for (let next = await events.next(); !next.done; next = await events.next()) {
      const event = next.value;
      seen.push(
        event.type === 'put' ? `${event.entry.key}=${text(event.entry.value)}` : event.type,
      );
      if (seen.at(-1) === end) return;
    }
  };
  await ledger.put('k1', Buffer.from('1'));
  await until('caughtUp');
  server.update({ ...settings, networks: [] }); // closes all connections
  await ledger.put('k2', Buffer.from('2'));
  server.update(settings);
  await until('k2=2');
  await until('caughtUp');
  assert.deepEqual(
    seen.filter((one) => one !== 'caughtUp'),
    ['k1=1', 'k2=2'],
  );
  const ended = events.next();
  abort.abort(new Error('enough'));
  await assert.rejects(ended, /enough/);
  ledger.compactedBefore = 9;
  await assert.rejects(bucket.watch({ after: '1' }).next(), failure('revision_compacted'));
});

test('operations are done once over the API', async (t) => {
  const { bucket } = await world(t);
  let begun = 0;
  const call = () => once(bucket, 'key.1', async () => ++begun, { fingerprint: 'POST /convert' });
  const all = await Promise.all([call(), call(), call()]);
  assert.deepEqual(
    all.map(({ result }) => result),
    [1, 1, 1],
  );
  assert.equal(all.filter(({ replayed }) => !replayed).length, 1);
});

test('in an async bucket nothing is done once: the client says so before it begins', async (t) => {
  const { client, history } = await world(t);
  const bucket = client.bucket('history');
  const never = async () => assert.fail('it was begun');
  const refused = failure('consistency_not_offered');
  await assert.rejects(once(bucket, 'key.1', never, { fingerprint: 'f' }), refused);
  await assert.rejects(createOnce(bucket, 'key.1', Buffer.from('x')), refused);
  await assert.rejects(bucket.delete('key.1', undefined, { consistency: 'strong' }), refused);
  assert.deepEqual((await history.list({ limit: 1 })).entries, []);
});

test('events are read whole, however they are cut', () => {
  const stream = ': hello\r\n\r\nretry: 1\n\nevent: put\nid: 7\ndata: {"a":\ndata: 1}\n\ndata\n\n';
  const expected = [
    { event: 'put', id: '7', data: '{"a":\n1}' },
    { event: 'message', id: undefined, data: '' },
  ];
  for (let size = 1; size < stream.length; size++) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < stream.length; at += size) {
      events.push(...parser.take(stream.slice(at, at + size)));
    }
    assert.deepEqual(events, expected);
  }
  assert.throws(() => new EventParser().take('x'.repeat(5_000_000)), RangeError);
});
