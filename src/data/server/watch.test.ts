import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, type DataWorld, startDataServer, tokens } from '../../../test/support/data-server.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { dataError } from '../errors.ts';

const path = '/v1/buckets/ledger/watch';

/** Events as they come, as text; `id` of the last one. */
async function watch(world: DataWorld, query = '', headers: Record<string, string> = {}) {
  const abort = new AbortController();
  const response = await fetch(`${world.url}${path}${query}`, {
    headers: { authorization: `Bearer ${tokens.reader}`, ...headers },
    signal: abort.signal,
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    response,
    close: () => abort.abort(),
    /** All until one that has `end` in it. */
    async until(end: string): Promise<string> {
      for (;;) {
        const at = text.indexOf(end);
        const over = at < 0 ? -1 : text.indexOf('\n\n', at);
        if (over >= 0) {
          const taken = text.slice(0, over + 2);
          text = text.slice(over + 2);
          return taken;
        }
        const { value, done } = await reader.read();
        if (done) return `${text}<end>`;
        text += value;
      }
    },
  };
}

test('a watch tells what is there, then what changes, and goes on after a cursor', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  await world.ledger.put('a.1', Buffer.from('one'));
  await world.ledger.put('b.1', Buffer.from('other'));
  const events = await watch(world, '?prefix=a.');
  assert.equal(events.response.headers.get('content-type'), 'text/event-stream');
  const start = await events.until('caughtUp');
  const value = btoa('one');
  assert.equal(
    start,
    `retry: 1000\n\nevent: put\nid: 1\ndata: {"key":"a.1","version":"1","value":"${value}"}\n\nevent: caughtUp\nid: 2\ndata: {}\n\n`,
  );
  await world.ledger.delete('a.1');
  assert.match(await events.until('delete'), /id: 3\ndata: \{"key":"a\.1","version":"3"\}/);
  events.close();
  await eventually('the watch is closed', () => world.ledger.openWatches === 0);
  await world.ledger.put('a.2', Buffer.from('two'));
  const again = await watch(world, '?prefix=a.&after=1', { 'last-event-id': '3' });
  const rest = await again.until('caughtUp');
  assert.ok(rest.includes('"a.2"') && !rest.includes('"a.1"'), rest);
  again.close();
});

test('a cursor that was never given, or is not kept any more, is a problem and no stream', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  world.ledger.compactedBefore = 10;
  const get = (query: string) => ask(world, 'GET', `${path}?${query}`);
  const compacted = await get('after=3');
  assert.deepEqual([compacted.status, compacted.code], [410, 'revision_compacted']);
  assert.equal((await get('after=three')).code, 'cursor_invalid');
  assert.equal((await get('after=%0a')).code, 'cursor_invalid');
  assert.equal((await get('prefix=.')).code, 'key_invalid');
  assert.equal(world.ledger.openWatches, 0);
  world.ledger.watch = () => ({
    close: () => undefined,
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.reject(dataError('revision_compacted', 'at the first event')),
    }),
  });
  assert.equal((await get('after=3')).code, 'revision_compacted');
});

test('a watch has no head alone', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const head = await fetch(world.url + path, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${tokens.reader}` },
  });
  assert.deepEqual([head.status, head.headers.get('allow')], [405, 'GET']);
});

test('so many watches are kept, and what may not go on is ended with a word', async (t) => {
  const world = await startDataServer({ watchesOfService: 2, watches: 3 });
  t.after(world.close);
  const own = [await watch(world), await watch(world)];
  const third = await ask(world, 'GET', path, { token: tokens.reader });
  assert.deepEqual([third.status, third.code], [429, 'too_many_watches']);
  assert.equal(world.server.figures().watches, 2);
  const { reader: _, ...grants } = world.settings.grants;
  const put = () => ask(world, 'PUT', '/v1/buckets/ledger/keys/a', { body: 'x' });
  await put();
  world.server.update({ ...world.settings, grants });
  for (const events of own) assert.match(await events.until('error'), /"code":"bucket_unknown"/);
  assert.equal((await ask(world, 'GET', path, { token: tokens.reader })).status, 401);
  assert.equal((await put()).status, 204);
  await eventually('they are closed', () => world.server.figures().watches === 0);
});

test('a watch ends with the token that opened it, though its service has another one now', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const events = await watch(world);
  await events.until('caughtUp');
  const grants = { ...world.settings.grants };
  world.server.update({ ...world.settings, grants: { ...grants } });
  await ask(world, 'PUT', '/v1/buckets/ledger/keys/a', { body: 'x' });
  assert.match(await events.until('put'), /event: put/);
  const reader = { ...grants.reader!, token: 'another-token-of-the-reader' };
  world.server.update({ ...world.settings, grants: { ...grants, reader } });
  assert.match(await events.until('error'), /"code":"bucket_unknown"/);
});

test('a server that is closed tells its watches, and waits for no client', async (t) => {
  const world = await startDataServer({ closeTimeMs: 200 });
  t.after(world.close);
  const events = await watch(world);
  await events.until('caughtUp');
  const silent = await RawClient.connect(world.server.port);
  silent.send('GET / HTTP/1.1\r\n');
  const closed = world.server.close();
  assert.match(await events.until('error'), /"code":"closed"/);
  await closed;
  await assert.rejects(fetch(world.url));
});

test('a watch whose client takes nothing for long is closed, and counted', async (t) => {
  const world = await startDataServer({ answerTimeMs: 300 });
  t.after(world.close);
  const client = await RawClient.connect(world.server.port);
  client.socket.pause();
  client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${tokens.reader}\r\n\r\n`);
  await eventually('it is open', () => world.ledger.openWatches === 1);
  await eventually('it is closed', async () => {
    for (let index = 0; index < 500; index++) await world.ledger.put('hot', new Uint8Array(1_000));
    return world.ledger.openWatches === 0;
  });
  await eventually('the connection too', () => world.server.figures().connections === 0);
  assert.deepEqual(world.server.figures().stalled, { answer: 0, watch: 1 });
  client.socket.destroy();
});

test('a client that reads nothing holds no more than what its connection does', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const client = await RawClient.connect(world.server.port);
  client.socket.pause();
  client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${tokens.reader}\r\n\r\n`);
  await eventually('it is open', () => world.ledger.openWatches === 1);
  const value = new Uint8Array(1_000);
  for (let index = 0; index < 40_000; index++) {
    await world.ledger.put('hot', value);
    if (index % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const told = world.server.figures().sentBytes;
  assert.ok(told < 20_000_000, `${told} of 54 MB were written to a client that reads nothing`);
  await world.ledger.put('last', Buffer.from('end'));
  let seen = '';
  client.socket.on('data', (part) => {
    seen = (seen + part.toString('latin1')).slice(-4_000);
  });
  client.socket.resume();
  await eventually('the last value arrives', () => seen.includes('"last"'));
  client.socket.destroy();
});
