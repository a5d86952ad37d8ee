import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { MeridianError } from '../../base/errors.ts';
import { layoutOf } from '../state/layout.ts';
import { emptyRecord } from '../state/record.ts';
import { makeFolder } from '../testdata/fake-stack.ts';
import { askStack, type FoundStack } from './client.ts';
import { maximumRequestBytes } from './protocol.ts';
import { ControlServer, chooseSocketPath, parseRequest } from './server.ts';

/** Of who hears something meanwhile, but no answer for longer than that. */
const patienceMs = 500;
const folder = makeFolder();
const path = join(folder, 'stack.sock');
const seen: unknown[] = [];
const server = new ControlServer(async (request, tell) => {
  seen.push(request);
  if (request.operation === 'restart') {
    const untilMs = performance.now() + 1.4 * patienceMs;
    for (let elapsedMs = 1; performance.now() < untilMs; elapsedMs++) {
      await new Promise((resolve) => setTimeout(resolve, patienceMs / 20));
      tell({ step: 'waiting', node: 'eu/node', position: 1, count: 1, elapsedMs });
    }
  }
  if (request.operation === 'events') throw new MeridianError('name_unknown', 'no such thing');
  if (request.operation === 'stop') return new Promise(() => undefined);
  if (request.operation === 'status') await new Promise((resolve) => setTimeout(resolve, 20));
  return { asked: request.operation };
});
const stack: FoundStack = {
  layout: layoutOf(folder),
  record: emptyRecord(path),
  supervised: true,
};

before(() => server.listen(path));
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Sends bytes as they are and gives the lines that come back until the connection ends. */
async function raw(text: string): Promise<unknown[]> {
  const socket = connect(path);
  const lines: unknown[] = [];
  createInterface(socket).on('line', (line) => lines.push(JSON.parse(line)));
  socket.end(text);
  await once(socket, 'close');
  return lines;
}

test('the socket is for its owner only', () => {
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a request is answered; an error keeps its code', async () => {
  assert.deepEqual(await askStack(stack, { operation: 'status' }), { asked: 'status' });
  await assert.rejects(askStack(stack, { operation: 'events' }), {
    code: 'name_unknown',
    message: 'no such thing',
  });
});

test('what goes on is told before the answer, and each word of it is a sign of life', async () => {
  const told: number[] = [];
  const answer = await askStack(stack, { operation: 'restart' }, patienceMs, ({ elapsedMs }) =>
    told.push(elapsedMs),
  );
  assert.deepEqual(answer, { asked: 'restart' });
  assert.ok(told.length > 0);
  assert.deepEqual(
    told,
    told.map((_, index) => index + 1),
  );
});

test('an answer that came while whoever asked stood still counts', async () => {
  seen.length = 0;
  const asked = askStack(stack, { operation: 'status' }, patienceMs);
  while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const untilMs = performance.now() + 1.4 * patienceMs;
  while (performance.now() < untilMs);
  assert.deepEqual(await asked, { asked: 'status' });
});

test('requests on one connection are answered in order, however they are cut', async () => {
  const socket = connect(path);
  const lines: { ok: boolean }[] = [];
  createInterface(socket).on('line', (line) => lines.push(JSON.parse(line)));
  await once(socket, 'connect');
  for (const part of ['{"operation":"sta', 'tus"}\n{"operation":"events"}\n', '{}\n']) {
    socket.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  while (lines.length < 3) await once(socket, 'data');
  socket.destroy();
  assert.deepEqual(
    lines.map(({ ok }) => ok),
    [true, false, false],
  );
});

test('a request whose client has given up is not carried out', async () => {
  seen.length = 0;
  // Both calls reach the kernel before the server, in this same thread, can read any.
  const impatient = connect(path, () => {
    impatient.write('{"operation":"events"}\n');
    impatient.destroy();
  });
  await once(impatient, 'close');
  assert.deepEqual(await askStack(stack, { operation: 'status' }), { asked: 'status' });
  assert.deepEqual(seen, [{ operation: 'status' }]);
});

test('what is not exactly a request is refused and reaches nobody', async () => {
  const refused = [
    '',
    'null',
    '[]',
    '"status"',
    '{"operation":"status"',
    '{"operation":"format-disk"}',
    '{"operation":"status","more":1}',
    '{"operation":"region","action":"kill"}',
    '{"operation":"region","action":"explode","region":"eu"}',
    '{"operation":"region","action":"kill","region":["eu"]}',
    '{"operation":"node","action":"drain","region":"eu"}',
    '{"operation":"node","action":"restart"}',
    '{"operation":"restart","region":"eu","node":"a"}',
    '{"operation":"service","action":"freeze","region":"eu","service":"rates"}',
    `{"operation":"region","action":"kill","region":"${'x'.repeat(300)}"}`,
  ];
  assert.deepEqual(
    refused.map(parseRequest),
    refused.map(() => undefined),
  );
  seen.length = 0;
  const socket = connect(path);
  socket.write(`${refused.join('\n')}\n`);
  const answers: { ok: boolean }[] = [];
  createInterface(socket).on('line', (line) => answers.push(JSON.parse(line)));
  while (answers.length < refused.length) await once(socket, 'data');
  socket.destroy();
  assert.ok(answers.every(({ ok }) => !ok));
  assert.deepEqual(seen, []);
});

test('a line without an end is cut off', async () => {
  const [answer] = await raw('x'.repeat(maximumRequestBytes + 1));
  assert.match(JSON.stringify(answer), /the request is too long/);
});

test('a supervisor that does not answer, or is not there, is named with its socket', async () => {
  await assert.rejects(askStack(stack, { operation: 'stop' }, 50), {
    code: 'control_failed',
    message: `the supervisor at ${path} gave no answer within 0.05 s`,
  });
  const gone = { ...stack, record: emptyRecord(join(folder, 'none.sock')) };
  await assert.rejects(askStack(gone, { operation: 'status' }), {
    code: 'control_failed',
    message: /none\.sock cannot be reached: .*ENOENT/,
  });
});

test('a path that is too long for a socket moves to a private folder for temporary files', (t) => {
  assert.equal(chooseSocketPath('/short/stack.sock'), '/short/stack.sock');
  const chosen = chooseSocketPath(`/${'long/'.repeat(30)}stack.sock`);
  t.after(() => rmSync(dirname(chosen), { recursive: true }));
  assert.ok(chosen.startsWith(join(tmpdir(), 'meridian-')));
  assert.equal(statSync(dirname(chosen)).mode & 0o777, 0o700);
});
