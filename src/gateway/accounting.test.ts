import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, mock, test } from 'node:test';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { eventually } from '../../test/support/eventually.ts';
import { revisionOf, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';
import type { ConfigInput } from '../config/schema/config.ts';
import { halfOpen } from '../health/endpoint-table.ts';
import { healthy, unhealthy } from '../health/table.ts';
import { OpenFiles } from './admission/open-files.ts';
import { RetryBudget } from './resilience/retry-budget.ts';

/*
 * Whatever is taken for a request is given back, wherever its client, its endpoint or its
 * revision is lost: while it waits for a place or a policy, between attempts, in the middle of
 * a response, in a tunnel. Random sequences of such events, and at their end every count is 0.
 */

/** What an origin does, by the last segment of the path. */
const behaviours: Record<string, (socket: Socket, held: (() => void)[]) => void> = {
  ok: (socket) => void socket.write(okResponse('ok')),
  late: (socket, held) => void held.push(() => void socket.write(okResponse('late'))),
  failing: (socket) => void socket.write('HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno'),
  failingSlowly: (socket) => void socket.write('HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nn'),
  close: (socket) => void socket.destroy(),
  hang: () => {},
  large: (socket) => void socket.write(okResponse('z'.repeat(1_000_000))),
  partial: (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'),
  broken: (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'),
  early: (socket) => void socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'),
  nonsense: (socket) => void socket.write('nonsense\r\n\r\n'),
  tunnel: (socket) => {
    socket.removeAllListeners('data').on('data', (bytes) => void socket.write(bytes));
    socket.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  },
};
const queries = ['', '', '?never', '?deny', '?reject', '?response-never', '?response-reject'];
const requests = [
  ['GET', '', ''],
  ['GET', '', ''],
  ['HEAD', '', ''],
  ['POST', 'Content-Length: 5\r\n', 'hello'],
  ['PUT', 'Content-Length: 500\r\n', 'part'],
  ['PUT', 'Content-Length: 3\r\nExpect: 100-continue\r\n', ''],
] as const;

const clients = 8;
const client = fc.nat(clients - 1);
const request = fc.record({
  client,
  service: fc.constantFrom('a', 'b', 'p'),
  behaviour: fc.constantFrom(...Object.keys(behaviours)),
  query: fc.constantFrom(...queries),
  request: fc.constantFrom(...requests),
});
const leaving = fc.record({ client, way: fc.constantFrom('reset', 'close', 'end') });
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ request }) },
  { weight: 8, arbitrary: fc.record({ pauseMs: fc.constantFrom(0, 0, 5, 60) }) },
  { weight: 4, arbitrary: fc.record({ leaving }) },
  { weight: 2, arbitrary: fc.record({ more: client }) },
  { weight: 2, arbitrary: fc.constant({ release: true }) },
  { weight: 2, arbitrary: fc.record({ again: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ eject: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ state: fc.constantFrom(healthy, unhealthy) }) },
  { weight: 1, arbitrary: fc.constant({ swap: true }) },
  { weight: 1, arbitrary: fc.constant({ lose: true }) },
);
type Of<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never;
type Step = Partial<{
  request: Of<typeof request>;
  leaving: Of<typeof leaving>;
  more: number;
  pauseMs: number;
  release: boolean;
  again: number;
  eject: number;
  state: typeof healthy | typeof unhealthy;
  swap: boolean;
  lose: boolean;
}>;

/** Requests and retries that count in some budget now. */
const budget = { live: 0, retries: 0 };
const files = new Set<OpenFiles>();
const { requestBegan, requestEnded, grant } = RetryBudget.prototype;
const { take } = OpenFiles.prototype;
mock.method(RetryBudget.prototype, 'requestBegan', function (this: RetryBudget) {
  budget.live++;
  requestBegan.call(this);
});
mock.method(RetryBudget.prototype, 'requestEnded', function (this: RetryBudget, retried: boolean) {
  budget.live--;
  if (retried) budget.retries--;
  requestEnded.call(this, retried);
});
mock.method(RetryBudget.prototype, 'grant', function (this: RetryBudget) {
  const granted = grant.call(this);
  if (granted) budget.retries++;
  return granted;
});
mock.method(OpenFiles.prototype, 'take', function (this: OpenFiles) {
  files.add(this);
  take.call(this);
});
after(() => mock.restoreAll());

function textOf({
  service,
  behaviour,
  query,
  request: [method, fields, body],
}: NonNullable<Step['request']>) {
  const tunnel = behaviour === 'tunnel';
  const offer = tunnel ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : fields;
  const head = `${tunnel ? 'GET' : method} /${service}/${behaviour}${query} HTTP/1.1\r\nHost: a\r\n`;
  return `${head}${offer}\r\n${tunnel ? '' : body}`;
}

/** Two services of two endpoints each; the second takes two requests at a time. */
function configOf(ports: readonly number[]): ConfigInput {
  const [a, b, c, d] = ports.map((port) => `127.0.0.1:${port}`);
  const service = {
    retries: { statuses: [503], minimum: 1 },
    timeouts: { total: '400ms', firstByte: '150ms', idle: '200ms', connect: '100ms' },
    ejection: { statuses: [503] },
  };
  const concurrency = { maximum: 2, queue: 2, queueTimeout: '100ms' };
  return {
    regions: { eu: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
    services: {
      a: { endpoints: { eu: [a!, b!] }, ...service },
      b: { endpoints: { eu: [c!, d!] }, ...service, concurrency },
    },
    plugins: {
      waiting: fileURLToPath(new URL('./policies/testdata/waiting.ts', import.meta.url)),
    },
    routes: [
      { name: 'a', prefix: '/a', service: 'a' },
      { name: 'b', prefix: '/b', service: 'b' },
      {
        name: 'p',
        prefix: '/p',
        service: 'b',
        policies: [{ type: 'plugin', plugin: 'waiting' }],
      },
    ],
  };
}

async function world() {
  const held: (() => void)[] = [];
  const origins = await Promise.all([0, 1, 2, 3].map(() => RawOrigin.listen()));
  for (const origin of origins) {
    origin.respond = ({ head }, socket) => {
      const behaviour = /^\w+ \/[abp]\/(\w+)/.exec(head)?.[1] ?? 'ok';
      behaviours[behaviour]!(socket, held);
    };
  }
  const config = configOf(origins.map(({ port }) => port));
  await origins[3]!.close();
  const limits = { policyMs: 100, bodyIdleMs: 200, writeStallMs: 300, lingerMs: 100 };
  const started = await startGateway({ config, limits });
  const drains: Promise<void>[] = [];
  return {
    ...started,
    held,
    origins,
    drains,
    async swap() {
      const listen = { http: { host: '127.0.0.1', port: started.port } };
      const { health, metrics } = started;
      const next = { ...revisionOf({ config, listen }), health, metrics };
      drains.push((await started.gateway.prepare(next)).commit().drained);
    },
  };
}
type World = Awaited<ReturnType<typeof world>>;

/** The clients of a run; each slot has one at a time, others stay until they are closed. */
class Clients {
  readonly #port: number;
  readonly #slots = new Array<RawClient | undefined>(clients).fill(undefined);
  readonly #all: RawClient[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  async send(slot: number, text: string): Promise<void> {
    const present = this.#slots[slot];
    const usable = present && !present.socket.writableEnded && present.received !== '';
    const used = usable ? present : await RawClient.connect(this.#port);
    if (!usable) this.#all.push(used);
    this.#slots[slot] = used;
    used.send(text);
  }

  more(slot: number): void {
    this.#slots[slot]?.send('hello');
  }

  leave({ client: slot, way }: NonNullable<Step['leaving']>): void {
    const { socket } = this.#slots[slot] ?? {};
    this.#slots[slot] = undefined;
    // (Node never closes a socket that is reset after its end.)
    if (way === 'reset') socket?.resetAndDestroy();
    else if (way === 'close') socket?.destroy();
    else socket?.end();
  }

  close(): void {
    for (const { socket } of this.#all) socket.destroy();
  }
}

async function perform(w: World, all: Clients, step: Step): Promise<void> {
  const { endpoints } = w.health;
  if (step.request) await all.send(step.request.client, textOf(step.request));
  if (step.leaving) all.leave(step.leaving);
  if (step.more !== undefined) all.more(step.more);
  if (step.pauseMs !== undefined) await (step.pauseMs === 0 ? turn() : delay(step.pauseMs));
  if (step.release) for (const respond of w.held.splice(0)) respond();
  if (step.again !== undefined) endpoints.tryAgain(step.again, 2);
  if (step.eject !== undefined) endpoints.eject(step.eject, [step.eject], 1, 1);
  if (step.state !== undefined) w.health.setService(0, 0, step.state);
  if (step.swap) await w.swap();
  if (step.lose) for (const { sockets } of w.origins) for (const one of sockets) one.destroy();
}

/** What is taken and not given back. */
function taken({ health: { endpoints, slots }, metrics: { block } }: World) {
  const indices = [0, 1, 2, 3];
  return {
    inFlight: indices.map((index) => endpoints.inFlight(index)),
    trials: indices.filter((at) => endpoints.state(at) === halfOpen && endpoints.ejected(at)),
    places: [slots.live(0), slots.live(1)],
    connections: block.words[block.first('opened')]! - block.words[block.first('closed')]!,
    budget: { ...budget },
  };
}
const nothing = {
  inFlight: [0, 0, 0, 0],
  trials: [],
  places: [0, 0],
  connections: 0,
  budget: { live: 0, retries: 0 },
};

test('property: whatever a request takes is given back, however it ends', async () => {
  const steps = fc.array(step, { minLength: 60, maxLength: 120, size: 'max' });
  await fc.assert(
    fc.asyncProperty(steps, async (all: readonly Step[]) => {
      const w = await world();
      const told = new Clients(w.port);
      try {
        for (const one of all) await perform(w, told, one);
        told.close();
        await w.swap();
        await Promise.all(w.drains);
        await eventually('all is given back', () => isNothing(taken(w)), 10_000).catch(() =>
          assert.deepEqual(taken(w), nothing),
        );
      } finally {
        told.close();
        await w.gateway.close();
        for (const origin of w.origins) await origin.close();
      }
      await eventually('files are closed', () => [...files].every((one) => one.taken === 0));
      assert.ok(
        w.log.every(({ status }) => Number(status) >= 101),
        'every request has an outcome',
      );
      const unexpected = w.defects.map(String).filter((text) => !/rejected|in time/.test(text));
      assert.deepEqual(unexpected, []);
    }),
    { numRuns: 5, endOnFailure: true },
  );
});

function isNothing(now: ReturnType<typeof taken>): boolean {
  return JSON.stringify(now) === JSON.stringify(nothing);
}
