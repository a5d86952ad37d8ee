import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from '../../test/support/raw-client.ts';
import type { FromClients, Sample, ToClients } from './clients.ts';
import { markerHost, target } from './example.ts';
import { monotonicMs } from './monotonic.ts';

const port = 8080;
/** Between an answer and the next question: what a time of being visible is exact to. */
const pollMs = 2;

/** One connection, made anew after it was closed. */
class Connection {
  readonly address: string;
  reconnects = -1;
  #client: RawClient | undefined;

  constructor(address: string) {
    this.address = address;
  }

  /** The status; 0 without a response. */
  async request(host: string): Promise<number> {
    try {
      await this.open();
      const text = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
      const { status, head } = await this.#client!.request(text);
      if (/^connection: *close/im.test(head)) this.#drop();
      return status;
    } catch {
      this.#drop();
      return 0;
    }
  }

  async open(): Promise<void> {
    if (this.#client && !this.#client.socket.destroyed) return;
    this.#client = await RawClient.connect(port, this.address);
    this.reconnects++;
  }

  #drop(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}

const [count, ...addresses] = process.argv.slice(2);
const connections = addresses.flatMap((address) =>
  Array.from({ length: Number(count) }, () => new Connection(address)),
);

async function watch(mark: number): Promise<void> {
  const host = markerHost(mark);
  const first = await Promise.all(connections.map((one) => one.request(host)));
  if (first.some((status) => status !== 404)) {
    throw new Error(`${host} is answered with ${first} before it is there`);
  }
  post({ kind: 'watching', mark });
  const seen: Record<string, number> = {};
  const poll = async (one: Connection) => {
    while ((await one.request(host)) !== 200) await sleep(pollMs);
    seen[one.address] = monotonicMs();
  };
  await Promise.all(connections.map(poll));
  post({ kind: 'seen', mark, seen });
}

let loading = false;

/** Each connection sends when it is its turn, and at once when it is late. */
async function load(perSecond: number): Promise<void> {
  loading = true;
  const samples: Sample[] = [];
  const everyMs = (1_000 * connections.length) / perSecond;
  const startedMs = monotonicMs();
  const send = async (one: Connection, index: number) => {
    const offsetMs = (everyMs * index) / connections.length;
    for (let turn = 0; loading; turn++) {
      const dueMs = startedMs + offsetMs + turn * everyMs;
      const earlyMs = dueMs - monotonicMs();
      if (earlyMs > 0) await sleep(earlyMs);
      const status = await one.request('api.exchange.test');
      samples.push({ dueMs, latencyMs: monotonicMs() - dueMs, status });
    }
  };
  await Promise.all(connections.map(send));
  const reconnects = connections.reduce((sum, one) => sum + one.reconnects, 0);
  post({ kind: 'loaded', samples, reconnects });
}

function post(message: FromClients): void {
  process.send?.(message);
}

function fail(error: unknown): void {
  post({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
}

process.on('message', (message: ToClients) => {
  if (message.kind === 'watch') void watch(message.mark).catch(fail);
  else if (message.kind === 'load') void load(message.perSecond).catch(fail);
  else loading = false;
});
process.on('disconnect', () => process.exit());

Promise.all(connections.map((one) => one.open())).then(() => post({ kind: 'ready' }), fail);
