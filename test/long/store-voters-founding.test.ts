import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigInput } from '../../src/config/public.ts';
import { askStack, findRunningStack } from '../../src/stack/control/client.ts';
import type { ProcessStatus } from '../../src/stack/operations.ts';
import { identify } from '../../src/stack/processes/identity.ts';
import { openStackHub } from '../../src/stack/stack-hub.ts';
import { HubServers } from '../../src/store/voters/hub-servers.ts';
import { eventually } from '../support/eventually.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { command, type RegionName, TestStack } from '../support/stack.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const token = 'a-token-for-the-ledger';
const limitMs = 60_000;
const others = ['eu-west-1', 'ap-southeast-1'] as const;
/** Where voters hear of each other, by default. */
const clusterPort = 6222;

const places: Record<RegionName, object> = {
  'us-east-1': { address: '127.0.1.1', location: { latitude: 39, longitude: -77 } },
  'eu-west-1': { address: '127.0.2.1', location: { latitude: 53, longitude: -6 } },
  'ap-southeast-1': { address: '127.0.3.1', location: { latitude: 1, longitude: 104 } },
};

function configured(...regions: RegionName[]): ConfigInput {
  return {
    regions: Object.fromEntries(regions.map((region) => [region, places[region]])),
    store: { engine: 'jetstream' },
    data: {
      buckets: { ledger: { consistency: 'sync' } },
      tokens: { ledger: { token: 'ledger.token', rights: { ledger: 'write' } } },
    },
    stack: {},
  } as ConfigInput;
}

/** Writes without pause, each key once, and keeps what was confirmed. */
class Writer {
  readonly confirmed = new Map<string, string>();
  readonly #url: string;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(url: string) {
    this.#url = url;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async moreWrites(what: string): Promise<void> {
    const before = this.confirmed.size;
    await eventually(`writes ${what}`, () => this.confirmed.size > before + 20, limitMs);
  }

  async #run(): Promise<void> {
    for (let count = 0; !this.#stopped; count++) {
      const request = { method: 'PUT', headers, body: `value ${count}` };
      const answer = await fetch(`${this.#url}/k.${count}`, request).catch(() => undefined);
      if (answer?.ok) this.confirmed.set(`k.${count}`, answer.headers.get('etag')!);
      await answer?.arrayBuffer().catch(() => undefined);
      await sleep(10);
    }
  }
}

/** A module that has the process signal itself as soon as it has told an event. */
function signalAt(event: string, signal: NodeJS.Signals): string {
  const code = `const write = process.stdout.write;
process.stdout.write = function (text, ...more) {
  const written = write.call(this, text, ...more);
  if (!String(text).includes('"${event}"')) return written;
  process.stdout.write = write;
  process.kill(process.pid, '${signal}');
  return written;
};`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

const headers = { authorization: `Bearer ${token}` };

describe('one voter of a stack becomes three while it serves', {
  skip: requireNatsServer(),
}, () => {
  let stack: TestStack;
  let writer: Writer;
  let file: string;
  const commands: ChildProcess[] = [];
  before(async () => {
    const folder = await temporaryDirectory('founding');
    file = join(folder, 'meridian.json');
    await writeFile(join(folder, 'ledger.token'), token, { mode: 0o600 });
    await writeFile(file, JSON.stringify(configured('us-east-1')));
    stack = await TestStack.start(file);
    writer = new Writer(urlIn('us-east-1'));
    await writer.moreWrites('with one voter');
    await writeFile(file, JSON.stringify(configured('us-east-1', ...others)));
    await applied();
    for (const region of others) await stack.run('region', 'add', region);
  });
  after(async () => {
    for (const child of commands) child.kill('SIGKILL');
    await writer?.stop();
    await stack?.stop();
  });

  const urlIn = (region: RegionName) =>
    `http://${stack.address(region)}:9100/v1/buckets/ledger/keys`;
  const saved = () => readdirSync(stack.state).filter((name) => /^(saved-hub|founding)/.test(name));
  const newVoter = () => existsSync(join(stack.state, 'regions/us-east-1/store/hub-2'));
  /** Those that are to come cannot report; who led may just have been lost. */
  async function applied(): Promise<void> {
    let last = '';
    const apply = async () => {
      const { code, stderr } = await stack.attempt('apply', file, '--no-wait');
      last = stderr;
      return code === 0;
    };
    await eventually('the change is applied', apply, limitMs).catch((error: Error) => {
      throw new Error(`${error.message}: ${last}`);
    });
  }

  async function voters(): Promise<{ wanted: number; alone: boolean }> {
    const { voters: wanted, alone } = await eventually(
      'what is to be founded',
      async () => {
        const { stdout } = await stack.attempt('store', 'found', '--json');
        const answer = JSON.parse(stdout);
        return answer.error === undefined && answer;
      },
      limitMs,
    );
    return { wanted: wanted.length, alone };
  }

  /** Until it tells an event, at which it sends itself a signal before it goes on. */
  async function found(event: string, signal: NodeJS.Signals): Promise<ChildProcess> {
    const words = ['store', 'found', '--yes', '--json', '--state', stack.state];
    const args = ['--import', signalAt(event, signal), command, ...words];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    commands.push(child);
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes;
    });
    await eventually(
      `"${event}" of ${child.pid}`,
      () => {
        const isOver = child.exitCode !== null && !output.includes(`"${event}"`);
        assert.ok(!isOver, output);
        return output.includes(`"${event}"`);
      },
      limitMs,
    );
    return child;
  }

  async function goesOnAsBefore(): Promise<void> {
    await writer.moreWrites('go on');
    await eventually('nothing is left of it', () => saved().length === 0 && !newVoter(), limitMs);
    assert.deepEqual(await voters(), { wanted: 3, alone: true });
  }

  /** That of the first region: its leaf knew no other when it was started. */
  async function oneVoterLess(): Promise<void> {
    const found = findRunningStack(stack.state);
    const processes = await askStack<ProcessStatus[]>(found, { operation: 'status' });
    process.kill(processes.find(({ id }) => id === 'us-east-1/store/hub')!.pid!, 'SIGKILL');
    await writer.moreWrites('without the first voter');
    await stack.run('store', 'start', 'us-east-1');
  }

  /** Made by a node that began with one voter and was not restarted. */
  async function newBucketHasThreeCopies(): Promise<void> {
    for (const region of others) await stack.run('node', 'kill', region);
    const document = configured('us-east-1', ...others);
    const ledger = document.data!.buckets!.ledger!;
    const buckets = { ledger, later: { consistency: 'sync' } };
    await writeFile(file, JSON.stringify({ ...document, data: { ...document.data, buckets } }));
    await applied();
    const { urls, secret } = await openStackHub(findRunningStack(stack.state));
    const servers = new HubServers({ voters: urls.map((url) => ({ url })), secret });
    try {
      const made = await eventually(
        'the new bucket',
        async () => {
          const { streams } = await servers.look().catch(() => ({ streams: [] }));
          return streams.find(({ name }) => name === 'KV_later_data');
        },
        limitMs,
      );
      assert.equal(made.replicas, 3);
    } finally {
      await servers.close();
    }
    for (const region of others) await stack.run('node', 'start', region);
  }

  test('killed while it holds writes: they go on by themselves', async () => {
    await found('held', 'SIGKILL');
    await goesOnAsBefore();
  });

  test('killed when the new voters have the data: they end, and the one goes on', async () => {
    const child = await found('restored', 'SIGSTOP');
    assert.ok(newVoter());
    const second = {
      operation: 'founding',
      action: 'close',
      owner: identify(process.pid),
    } as const;
    await assert.rejects(askStack(findRunningStack(stack.state), second), {
      code: 'founding_running',
      message: new RegExp(`process ${child.pid} `),
    });
    child.kill('SIGKILL');
    await goesOnAsBefore();
  });

  test('a step that fails is undone, and said; so is Ctrl-C', async (context) => {
    const blocker = createServer((socket) => socket.destroy()).listen(
      clusterPort,
      stack.address('eu-west-1'),
    );
    context.after(() => blocker.close());
    await once(blocker, 'listening');
    const failed = await stack.attempt('store', 'found', '--yes', '--json');
    assert.equal(failed.code, 1);
    assert.match(failed.stdout + failed.stderr, /founding_failed.*6222.*goes on as before/s);
    await once(blocker.close(), 'close');
    await goesOnAsBefore();

    const child = await found('saved', 'SIGINT');
    await eventually(
      'it ends',
      () => child.exitCode !== null || child.signalCode !== null,
      limitMs,
    );
    assert.equal(child.exitCode, 1);
    await goesOnAsBefore();
  });

  test('then it is done: nothing that was confirmed is lost', async (context) => {
    const done = await stack.run('store', 'found', '--yes', '--json');
    context.diagnostic(done.trimEnd().split('\n').at(-1)!);
    assert.deepEqual(await voters(), { wanted: 3, alone: false });
    await writer.moreWrites('with three voters');
    await oneVoterLess();
    await newBucketHasThreeCopies();
    await writer.stop();
    assert.match(saved().join(), /^saved-hub-\d+$/);
    context.diagnostic(`${writer.confirmed.size} writes were confirmed`);
    const read = async (key: string) => {
      const answer = await fetch(`${urlIn('eu-west-1')}/${key}?consistency=strong`, { headers });
      await answer.arrayBuffer();
      // Whoever was just started, or lost a leader, cannot say.
      return answer.status < 500 && { version: answer.headers.get('etag') };
    };
    const check = async ([key, version]: [string, string]) => {
      const seen = await eventually(
        `${key} is read`,
        () => read(key).catch(() => false as const),
        limitMs,
      );
      assert.equal(seen.version, version, key);
    };
    const all = [...writer.confirmed];
    while (all.length > 0) await Promise.all(all.splice(0, 20).map(check));
    const again = await stack.run('store', 'found', '--yes');
    assert.match(again, /nothing is to be done/);
  });
});
