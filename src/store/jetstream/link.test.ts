import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Msg, type NatsConnection, TimeoutError } from '@nats-io/transport-node';
import type { Reachability } from '../reachability.ts';
import { publish } from './api.ts';
import { batchGet } from './batch-get.ts';
import type { Connection } from './connection.ts';
import type { Inspection } from './inspection.ts';
import { Link } from './link.ts';
import { resolvesWithin } from './sleep.ts';

const limitMs = 20;
/** Longer than any limit here. */
const stillMs = 60;
const closing = new AbortController().signal;

/** Two ends of a real connection: what is written to one has arrived at the other at once. */
async function socketPair(t: TestContext): Promise<{ near: Socket; far: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far]: Socket[] = await once(server, 'connection');
  t.after(() => {
    near.destroy();
    far!.destroy();
    server.close();
  });
  await once(near, 'connect').catch(() => undefined);
  return { near, far: far! };
}

/** The loop stands still from after the next turn of it, and the answer comes meanwhile. */
function answerWhileItStandsStill(far: Socket): void {
  setImmediate(() => {
    far.write('1');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stillMs);
  });
}

const message = { headers: { code: 204, get: () => '0' }, json: () => ({ seq: 7 }) };

/** A client with a limit of its own for each request, as the real one has. */
function clientOf(near: Socket, asked: (timeoutMs: number) => void = () => undefined) {
  const request = (_: string, __: Uint8Array, { timeout }: { timeout: number }) => {
    asked(timeout);
    return new Promise<Msg>((resolve, reject) => {
      const timer = setTimeout(() => reject(new TimeoutError()), timeout).unref();
      near.once('data', () => {
        clearTimeout(timer);
        resolve(message as unknown as Msg);
      });
    });
  };
  const subscribe = (_: string, { callback }: { callback(error: null, of: unknown): void }) => {
    near.once('data', () => callback(null, message));
    return { unsubscribe: () => undefined };
  };
  return {
    request,
    subscribe,
    publish: () => undefined,
    isClosed: () => false,
  } as unknown as NatsConnection;
}

function linkOver(client: NatsConnection): Link {
  return new Link({
    connection: { connected: async () => client } as unknown as Connection,
    nowMs: () => performance.now(),
    reachability: {} as Reachability,
    inspection: {} as Inspection,
    paging: {} as Link['paging'],
    closing,
  });
}

const put = { bucket: 'b', key: 'k', value: new Uint8Array(1), messageId: 'm' };
const write = (link: Link) =>
  link.attempt(
    { write: true, what: 'b/k', deadlineMs: performance.now() + limitMs },
    (connection, listenMs) => publish(connection, put, listenMs),
  );

test('an acknowledgement that arrived while the process stood still counts', async (t) => {
  const { near, far } = await socketPair(t);
  const written = write(linkOver(clientOf(near)));
  answerWhileItStandsStill(far);
  assert.equal(await written, 7);
});

test('so do the messages of a batch', async (t) => {
  const { near, far } = await socketPair(t);
  const batch = batchGet(clientOf(near), {
    source: 'mirror',
    bucket: 'b',
    subjects: ['k'],
    inboxPrefix: '_INBOX.a',
    deadlineMs: performance.now() + limitMs,
  });
  answerWhileItStandsStill(far);
  assert.equal((await batch)?.size, 0);
});

test('and whatever else was waited for so long', async (t) => {
  const { near, far } = await socketPair(t);
  const answered = resolvesWithin(once(near, 'data'), limitMs, closing);
  answerWhileItStandsStill(far);
  assert.equal(await answered, true);
});

test('with no answer it ends all the same, and says what is known', async (t) => {
  const { near } = await socketPair(t);
  await assert.rejects(write(linkOver(clientOf(near))), {
    code: 'no_quorum',
    details: { outcome: 'unknown' },
  });
});

test('of a thousand that nobody answers, no more are listened for beyond their limit', async (t) => {
  const { near } = await socketPair(t);
  near.setMaxListeners(0);
  const limits: number[] = [];
  const link = linkOver(clientOf(near, (timeoutMs) => limits.push(timeoutMs)));
  await Promise.allSettled(Array.from({ length: 1_100 }, () => write(link)));
  const beyond = limits.filter((timeoutMs) => timeoutMs > limitMs);
  assert.deepEqual([limits.length, beyond.length], [1_100, 1_000]);
});
