import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fairTimer } from '../../test/support/fair-time.ts';
import { askStack, findRunningStack, findStack } from './control/client.ts';
import { endStack } from './down.ts';
import type { FleetEvent, Outcome } from './fleet.ts';
import type { ProcessStatus } from './operations.ts';
import { identify, isAlive, isStopped } from './processes/identity.ts';
import { findMarked, signal } from './processes/marked.ts';
import { repeatAfterMs } from './stop-signals.ts';
import { FakeStack, fakeConfig, makeFolder, somePlace, until } from './testdata/fake-stack.ts';

const statuses = (stack: FakeStack) =>
  askStack<ProcessStatus[]>(findRunningStack(stack.state), { operation: 'status' });

/** Each service starts a process in a session of its own, as a careless program may. */
const withGrandchildren = {
  ...fakeConfig,
  stack: { services: { rates: { ...fakeConfig.stack.services.rates, env: { GRANDCHILD: '1' } } } },
};

test('a stack comes up, writes its state for its owner only, and SIGINT ends all of it', async (t) => {
  const stack = new FakeStack(makeFolder(), { config: withGrandchildren });
  t.after(() => stack.clean());
  await stack.event('ready');
  const ids = (await statuses(stack)).map(({ id, state }) => `${id} ${state}`);
  assert.deepEqual(ids, [
    'eu/node running',
    'eu/service/rates running',
    'us/node running',
    'us/service/rates running',
  ]);
  const modes = ['', 'stack.json', 'stack.sock', 'admin-token', 'lock', 'ca/ca-key.pem'].map(
    (name) => (statSync(join(stack.state, name)).mode & 0o777).toString(8),
  );
  assert.deepEqual(modes, ['700', '600', '600', '600', '600', '600']);
  const log = readFileSync(join(stack.state, 'regions/eu/node.log'), 'utf8');
  assert.match(log, /fake node of eu, token file .*\/state\/admin-token/);

  // Each leads a session: a Ctrl-C at the terminal does not reach it.
  for (const { pid } of await statuses(stack)) {
    const [, , group, session] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .split(') ')[1]!
      .split(' ');
    assert.deepEqual([Number(group), Number(session)], [pid, pid]);
  }
  await until(() => findMarked(stack.state).length === 6, 'a grandchild of each service');
  stack.child.kill('SIGINT');
  assert.equal(await stack.exit(), 0);
  assert.deepEqual(findMarked(stack.state), []);
  assert.equal((await stack.event('stopped')).processes, 4);
  assert.match(readFileSync(join(stack.state, 'regions/eu/node.log'), 'utf8'), /got SIGINT/);
  assert.throws(() => findRunningStack(stack.state), { code: 'stack_not_running' });
});

describe('a running stack, in a directory whose path is too long for a socket', () => {
  const stack = new FakeStack(makeFolder(), { stateName: 'state-'.repeat(20) });
  before(() => stack.event('ready'));
  after(() => stack.clean());

  test('region kill, freeze and start reach every process of that region and no other', async () => {
    const found = findRunningStack(stack.state);
    const ask = (action: 'kill' | 'freeze' | 'start') =>
      askStack<Outcome>(found, { operation: 'region', action, region: 'eu' });
    const before = await statuses(stack);

    const killed = await ask('kill');
    assert.deepEqual(killed.changed, ['eu/node', 'eu/service/rates']);
    assert.deepEqual((await ask('kill')).unchanged, ['eu/node', 'eu/service/rates']);
    const after = await statuses(stack);
    assert.deepEqual(
      after.map(({ state }) => state),
      ['stopped', 'stopped', 'running', 'running'],
    );
    assert.deepEqual(
      after.filter(({ region }) => region === 'us').map(({ pid }) => pid),
      before.filter(({ region }) => region === 'us').map(({ pid }) => pid),
    );

    assert.deepEqual((await ask('start')).changed, ['eu/node', 'eu/service/rates']);
    const frozen = await ask('freeze');
    assert.deepEqual(frozen.changed, ['eu/node', 'eu/service/rates']);
    const [node] = await statuses(stack);
    assert.equal(node?.state, 'frozen');
    await until(() => isStopped({ pid: node.pid!, startTicks: 0 }), 'the node to stand still');
    assert.deepEqual((await ask('start')).changed, ['eu/node', 'eu/service/rates']);
    await until(() => !isStopped({ pid: node.pid!, startTicks: 0 }), 'the node to go on');
    assert.equal((await statuses(stack))[0]?.pid, node.pid);

    // What tests that measure recovery need: when the fault began, on a clock of the machine.
    const events = await askStack<FleetEvent[]>(found, { operation: 'events' });
    assert.deepEqual(
      events.find(({ monotonicMs }) => monotonicMs === frozen.first?.monotonicMs)?.event,
      { type: 'signal', signal: 'SIGSTOP', pid: node.pid },
    );
    assert.ok(Math.abs(frozen.first!.wallMs - Date.now()) < 20_000);

    // What the next supervisor needs, should this one be killed now.
    const { processes } = findStack(stack.state).record;
    assert.deepEqual(
      processes.map(({ id, pid }) => `${id} ${pid}`),
      (await statuses(stack)).map(({ id, pid }) => `${id} ${pid}`),
    );
    assert.ok(processes.every(isAlive));
  });

  test('an unknown name is refused with the names that are known', async () => {
    const found = findRunningStack(stack.state);
    await assert.rejects(askStack(found, { operation: 'region', action: 'kill', region: 'uss' }), {
      code: 'name_unknown',
      message: 'no region "uss", did you mean "us"? (known: eu, us)',
    });
    await assert.rejects(
      askStack(found, { operation: 'service', action: 'kill', region: 'eu', service: 'rate' }),
      { message: /no service "rate" that the stack runs in eu, did you mean "rates"/ },
    );
    await assert.rejects(askStack(found, { operation: 'store', action: 'kill' }), {
      message: 'this stack runs no store servers',
    });
    assert.ok((await statuses(stack)).every(({ state }) => state === 'running'));
  });

  test('a process that ends by itself is told, not restarted, and started on demand', async () => {
    // Killed and started on request before: that it ends by itself now is news again.
    const service = (await statuses(stack)).find(({ id }) => id === 'eu/service/rates');
    signal(service!.pid!, 'SIGTERM');
    const told = await stack.event('exited');
    assert.deepEqual(
      [told.process, told.signal, told.logPath],
      ['eu/service/rates', 'SIGTERM', service?.logPath],
    );
    assert.equal(
      (await statuses(stack)).find(({ id }) => id === 'eu/service/rates')?.state,
      'stopped',
    );
    const outcome = await askStack<Outcome>(findRunningStack(stack.state), {
      operation: 'service',
      action: 'start',
      region: 'eu',
      service: 'rates',
    });
    assert.deepEqual(outcome.changed, ['eu/service/rates']);
  });

  test('a frozen region does not keep the stack from ending', async () => {
    const found = findRunningStack(stack.state);
    assert.ok(!found.record.socket.startsWith(stack.state) && existsSync(found.record.socket));
    await askStack(found, { operation: 'region', action: 'freeze', region: 'us' });
    const tookMs = fairTimer();
    const ended = await endStack(stack.state);
    assert.ok(tookMs() < 4_500, 'killed, not waited for until the grace of 5 s was over');
    assert.equal(ended.supervisor, stack.child.pid);
    assert.equal(existsSync(dirname(found.record.socket)), false);
    assert.equal(await stack.exit(), 0);
    assert.deepEqual(findMarked(stack.state), []);
  });
});

test('a second up on the same state is refused; after a SIGKILL the next, or down, ends what was left', async (t) => {
  const folder = makeFolder();
  const place = somePlace();
  const first = new FakeStack(folder, { place, config: withGrandchildren });
  t.after(() => first.clean());
  await first.event('ready');

  const refused = new FakeStack(folder, { place, config: withGrandchildren });
  const error = await refused.event('error');
  assert.equal(error.code, 'stack_running');
  assert.ok(String(error.message).includes(`${first.state} (pid ${first.child.pid})`));
  assert.equal(await refused.exit(), 1);

  first.child.kill('SIGKILL');
  await first.exit();
  // Both nodes, both services, and a detached grandchild of each service.
  await until(() => findMarked(first.state).length === 6, 'six leftovers');
  const left = findMarked(first.state);
  signal(left[0]!.pid, 'SIGSTOP');

  const second = new FakeStack(folder, { place });
  t.after(() => second.clean());
  await second.event('ready');
  assert.equal((await second.event('leftoversEnded')).count, 6);
  assert.deepEqual(left.filter(isAlive), []);
  assert.equal((await statuses(second)).length, 4);

  second.child.kill('SIGKILL');
  await second.exit();
  assert.equal(findStack(second.state).supervised, false);
  assert.deepEqual(await endStack(second.state), {
    directory: second.state,
    supervisor: undefined,
    leftovers: 4,
  });
  assert.deepEqual(findMarked(second.state), []);
});

test('a node that ends while it starts fails the start with the end of its log', async (t) => {
  const stack = new FakeStack(makeFolder(), { environment: { FAKE_NODE: 'exit:us' } });
  t.after(() => stack.clean());
  const error = await stack.event('error');
  assert.equal(error.code, 'not_ready');
  assert.match(String(error.message), /us\/node: exit code 3, log .*\n(.*\n)*.*fails on purpose/);
  assert.equal(await stack.exit(), 1);
  assert.deepEqual(findMarked(stack.state), []);
});

test('a command that does not exist is named', async (t) => {
  const config = {
    ...fakeConfig,
    stack: { services: { rates: { command: ['no-such-program'] } } },
  };
  const stack = new FakeStack(makeFolder(), { config });
  t.after(() => stack.clean());
  const error = await stack.event('error');
  assert.match(String(error.message), /eu\/service\/rates: spawn no-such-program ENOENT/);
  assert.equal(await stack.exit(), 1);
  assert.deepEqual(findMarked(stack.state), []);
});

/** What is told of that, by a deadline until which all the rest came up. */
async function neverReady(t: TestContext, fault: string, cause: string) {
  for (const seconds of [4, 30]) {
    const environment = { FAKE_NODE: fault };
    const stack = new FakeStack(makeFolder(), { environment, readyWithinMs: seconds * 1_000 });
    t.after(() => stack.clean());
    const message = String((await stack.event('error')).message);
    if (message.split('\n')[1]?.startsWith(`  ${cause}`)) return { stack, message, seconds };
  }
  return assert.fail('the rest did not come up either');
}

test('a node that is never ready fails the start at the deadline, which is named', async (t) => {
  const { stack, message, seconds } = await neverReady(t, 'unready:eu', 'the gateway of eu is');
  const [said, cause] = message.split('\n');
  assert.match(said!, new RegExp(`not ready within ${seconds} s$`));
  assert.equal(cause, '  the gateway of eu is unknown to eu');
  assert.match(message, /fake node of eu/);
  assert.equal(await stack.exit(), 1);
  assert.deepEqual(findMarked(stack.state), []);
});

test('a service that is never healthy is said once, with its own log and no other', async (t) => {
  const { message } = await neverReady(t, 'serviceless:eu', 'service rates:');
  const [, cause, log, tail, ...rest] = message.split('\n');
  assert.equal(cause, '  service rates: unhealthy in eu (eu says down)');
  assert.match(log!, /^ {2}eu\/service\/rates, log .*\/eu\/services\/rates\.log$/);
  assert.equal(tail, '    fake rates of eu');
  assert.deepEqual(rest, []);
});

test('what the nodes say of themselves is told once when the stack is ready', async (t) => {
  const stack = new FakeStack(makeFolder(), { environment: { FAKE_NODE: 'degraded:all' } });
  t.after(() => stack.clean());
  assert.deepEqual((await stack.event('ready')).degraded, ['a thing is degraded']);
});

test('a file that a node refused is told with what runs instead, and no more as something degraded', async (t) => {
  const stack = new FakeStack(makeFolder(), { environment: { FAKE_NODE: 'refusing:eu' } });
  t.after(() => stack.clean());
  const { file, refused, degraded } = await stack.event('ready');
  const running = { sequence: 0, hash: 'ab' };
  assert.deepEqual(refused, [{ nodes: ['eu'], reason: 'no such file', running }]);
  assert.deepEqual([file, degraded], [join(stack.folder, 'meridian.yaml'), []]);
});

test('a process that ignores requests to end is killed by the second Ctrl-C', async (t) => {
  const stack = new FakeStack(makeFolder(), { environment: { FAKE_NODE: 'deaf:eu' } });
  t.after(() => stack.clean());
  await stack.event('ready');
  const node = (await statuses(stack)).find(({ id }) => id === 'eu/node');
  const identity = identify(node!.pid!)!;
  stack.child.kill('SIGINT');
  await stack.event('stopping');
  const heardMs = performance.now();
  const log = join(stack.state, 'regions/eu/node.log');
  await until(() => readFileSync(log, 'utf8').includes('got SIGINT'), 'the node to hear it');
  assert.ok(isAlive(identity));
  await until(() => performance.now() - heardMs > repeatAfterMs, 'another Ctrl-C to count');
  const tookMs = fairTimer();
  stack.child.kill('SIGINT');
  assert.equal(await stack.exit(), 0);
  assert.ok(tookMs() < 4_000, 'killed before the grace of 5 s was over');
  assert.equal(isAlive(identity), false);
});

test('Ctrl-C while it starts ends what was started', async (t) => {
  const environment = { FAKE_NODE: 'unready:eu' };
  const stack = new FakeStack(makeFolder(), { environment });
  t.after(() => stack.clean());
  await until(() => findMarked(stack.state).length === 4, 'four processes');
  stack.child.kill('SIGTERM');
  assert.equal(await stack.exit(), 0);
  assert.deepEqual(findMarked(stack.state), []);
});

test('a taken port is refused before anything is started, and its holder is named', async (t) => {
  const place = somePlace();
  const server = createServer();
  t.after(() => server.close());
  const port = 8_080 + place.portOffset;
  await new Promise<void>((resolve) => server.listen(port, `127.${place.loopback}.1.1`, resolve));
  const stack = new FakeStack(makeFolder(), { place });
  t.after(() => stack.clean());
  const error = await stack.event('error');
  assert.equal(error.code, 'port_taken');
  assert.ok(
    String(error.message).includes(
      `127.${place.loopback}.1.1:${port}/tcp (HTTP of us): held by pid ${process.pid} (`,
    ),
  );
  assert.match(String(error.message), /--port-offset/);
  assert.equal(await stack.exit(), 1);
});
