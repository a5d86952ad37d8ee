import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventuallyRight } from '../../test/support/eventually.ts';
import { loadKeyRing } from '../secrets/key-ring.ts';
import { isSealed } from '../secrets/sealed-text.ts';
import { askStack, findRunningStack } from './control/client.ts';
import type { ControlRequest } from './control/protocol.ts';
import type { Outcome } from './fleet.ts';
import type { ProcessStatus } from './operations.ts';
import type { RollStep } from './rolling/roll.ts';
import { readSealed } from './state/sealed-file.ts';
import { surveyStack } from './survey.ts';
import { FakeStack, fakeConfig, makeFolder, until } from './testdata/fake-stack.ts';

const ask = <Result = Outcome>(
  stack: FakeStack,
  request: ControlRequest,
  onProgress?: (step: RollStep) => void,
) => askStack<Result>(findRunningStack(stack.state), request, undefined, onProgress);

const pids = async (stack: FakeStack) =>
  Object.fromEntries(
    (await ask<ProcessStatus[]>(stack, { operation: 'status' })).map(({ id, pid }) => [id, pid]),
  );

/** The store servers make and remove files all the time. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const nodeIds = ['eu/node/a', 'eu/node/b', 'us/node/a', 'us/node/b'];
const logOf = (stack: FakeStack, region: string, node: string) =>
  readFileSync(join(stack.state, 'regions', region, 'nodes', node, 'node.log'), 'utf8');

describe('two nodes in each region', () => {
  const planted = 'planted-in-the-environment';
  const stack = new FakeStack(makeFolder(), {
    config: { ...fakeConfig, store: { engine: 'jetstream' } },
    nodes: 2,
    environment: { MERIDIAN_SECRET_KEY: planted, MERIDIAN_STORE_PASSWORD: planted },
  });
  before(() => stack.event('ready'));
  after(() => stack.clean());

  test('each has its process, folder and place in stack.json, and answers the survey', async () => {
    assert.deepEqual(Object.keys(await pids(stack)), [
      'eu/node/a',
      'eu/node/b',
      'eu/service/rates',
      'eu/store/hub',
      'eu/store/leaf',
      'us/node/a',
      'us/node/b',
      'us/service/rates',
      'us/store/leaf',
    ]);
    const { record } = findRunningStack(stack.state);
    const { address, admin, nodes } = record.regions.eu!;
    const next = address.replace(/1$/, '2');
    assert.deepEqual(
      nodes.map((node) => [node.id, node.title, node.name, node.address, node.admin]),
      [
        ['eu/node/a', 'eu/a', 'a', address, admin],
        ['eu/node/b', 'eu/b', 'b', next, admin],
      ],
    );
    assert.equal(record.shape?.nodes, 2);
    // It gives each a second to answer.
    await eventuallyRight(async () => {
      const survey = await surveyStack(stack.state);
      assert.deepEqual(
        Object.entries(survey.nodes).map(([title, { status }]) => [title, status?.node]),
        [
          ['eu/a', 'a'],
          ['eu/b', 'b'],
          ['us/a', 'a'],
          ['us/b', 'b'],
        ],
      );
    });
  });

  test('no secret is on disk in clear but the two of the operator, or with a service', async () => {
    const files = readdirSync(stack.state, { recursive: true, encoding: 'utf8' })
      .map((name) => join(stack.state, name))
      .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
    const [, key = ''] = readFileSync(join(stack.state, 'secret-key'), 'utf8').trim().split(' ');
    const token = readFileSync(join(stack.state, 'admin-token'), 'utf8').trim();
    const ring = loadKeyRing({ path: join(stack.state, 'secret-key') })!;
    const password = readSealed(join(stack.state, 'store-secret'), ring)!.trim();
    assert.ok([key, token, password].every(({ length }) => length >= 43));
    const holding = (text: string) =>
      files
        .filter((path) => textOf(path).includes(text))
        .map((path) => path.slice(stack.state.length + 1));
    assert.ok(files.some((path) => path.endsWith('/hub.conf')));
    assert.deepEqual(holding('PRIVATE KEY'), []);
    assert.deepEqual(holding(password), []);
    assert.deepEqual(holding(key), ['secret-key']);
    assert.deepEqual(holding(token), ['admin-token']);
    const keys = files.filter((path) => path.endsWith('key.pem'));
    assert.equal(keys.length, 1 + 4 * 2);
    assert.ok(keys.every((path) => isSealed(readFileSync(path, 'utf8'))));

    for (const [id, pid] of Object.entries(await pids(stack))) {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      assert.ok(!environment.includes(key) && !environment.includes(token), id);
      assert.equal(environment.includes(password), id.includes('/store/'), id);
      if (id.includes('/service/')) {
        assert.doesNotMatch(environment, /MERIDIAN_(SECRET_KEY|STORE|ADMIN_TOKEN)/, id);
        assert.ok(!environment.includes(planted), id);
      }
    }
  });

  test('a region is killed and started with all its nodes, a node alone', async () => {
    const node = (action: 'kill' | 'freeze' | 'start', name?: string) =>
      ask(stack, { operation: 'node', action, region: 'eu', ...(name && { node: name }) });
    const region = (action: 'kill' | 'start') =>
      ask(stack, { operation: 'region', action, region: 'eu' });
    assert.deepEqual((await node('kill', 'b')).changed, ['eu/node/b']);
    const others = ['eu/node/a', 'eu/service/rates', 'eu/store/hub', 'eu/store/leaf'];
    assert.deepEqual((await region('kill')).changed, others);
    assert.deepEqual((await node('start')).changed, ['eu/node/a', 'eu/node/b']);
    assert.deepEqual((await node('freeze', 'a')).changed, ['eu/node/a']);
    assert.deepEqual((await region('start')).changed, others);
    await assert.rejects(node('kill', 'c'), {
      code: 'name_unknown',
      message: /^no node "c" in eu.* \(known: a, b\)$/,
    });
  });

  test('a rolling restart takes one after the other, tells of each, and leaves the rest alone', async () => {
    const earlier = await pids(stack);
    const steps: string[] = [];
    const outcome = await ask(
      stack,
      { operation: 'restart' },
      ({ step, node, position, count }) => {
        if (step !== 'waiting') steps.push(`${position}/${count} ${node} ${step}`);
      },
    );
    assert.deepEqual(
      steps,
      nodeIds.flatMap((id, index) =>
        ['draining', 'ended', 'ready'].map((step) => `${index + 1}/4 ${id} ${step}`),
      ),
    );
    assert.deepEqual(outcome.changed, nodeIds);
    const later = await pids(stack);
    const same = Object.keys(later).filter((id) => later[id] === earlier[id]);
    assert.deepEqual(same, [
      'eu/service/rates',
      'eu/store/hub',
      'eu/store/leaf',
      'us/service/rates',
      'us/store/leaf',
    ]);
    assert.match(logOf(stack, 'us', 'b'), /got SIGTERM/);
    assert.deepEqual(
      stack.events.filter(({ event }) => event === 'exited').map(({ process }) => process),
      [],
      'no end that nobody asked for',
    );
    assert.equal(stack.events.filter(({ event }) => event === 'rolled').length, 12);

    // Of one `up` there is one seed, whoever is started when.
    const seeds = ['eu', 'us'].flatMap((region) =>
      ['a', 'b'].flatMap((node) => logOf(stack, region, node).match(/^seed .+$/gm) ?? []),
    );
    assert.ok(seeds.length >= 8);
    assert.equal(new Set(seeds).size, 1);
    assert.match(seeds[0]!, /^seed [0-9a-f]{8}-[0-9a-f-]{27}$/);
  });

  test('one restart at a time: the second is told of the first', async () => {
    // It stands still, so that the restart waits for it as long as the second takes to ask.
    const held = (await pids(stack))['eu/node/a']!;
    process.kill(held, 'SIGSTOP');
    let first: Promise<Outcome> | undefined;
    const second = { operation: 'node', action: 'stop', region: 'us', node: 'a' } as const;
    try {
      await new Promise<void>((resolve) => {
        first = ask(stack, { operation: 'restart', region: 'eu' }, () => resolve());
      });
      await assert.rejects(ask(stack, second), {
        code: 'restart_running',
        message: /^a restart of nodes is under way \(eu\/node\/a, 1 of 2\)$/,
      });
    } finally {
      process.kill(held, 'SIGCONT');
    }
    assert.deepEqual((await first)?.changed, ['eu/node/a', 'eu/node/b']);
    assert.deepEqual((await ask(stack, second)).changed, ['us/node/a'], 'then it can be had');
    assert.equal((await pids(stack))['us/node/a'], undefined);
    await ask(stack, { operation: 'node', action: 'start', region: 'us' });
  });

  test('the end of the stack ends a restart that is under way', async () => {
    const failed = assert.rejects(
      ask(stack, { operation: 'restart' }, () => stack.child.kill('SIGINT')),
    );
    assert.equal(await stack.exit(), 0);
    await failed;
  });
});

test('a node that does not come back ends the restart; those after it are left alone', async (t) => {
  const environment = { FAKE_NODE: 'second:eu/b' };
  const stack = new FakeStack(makeFolder(), { nodes: 2, environment });
  t.after(() => stack.clean());
  await stack.event('ready');
  const earlier = await pids(stack);
  await assert.rejects(ask(stack, { operation: 'restart' }), {
    code: 'restart_failed',
    message:
      /^eu\/node\/b: it ended \(exit code 3\) as it started, log .*\/eu\/nodes\/b\/node\.log; left as they were: us\/node\/a, us\/node\/b$/,
  });
  const later = await pids(stack);
  assert.equal(later['eu/node/b'], undefined);
  assert.deepEqual(
    ['us/node/a', 'us/node/b'].map((id) => later[id] === earlier[id]),
    [true, true],
  );
  // The reason is told where the stack runs too: who had asked may be gone.
  await until(
    () => stack.events.some(({ event, step }) => event === 'rolled' && step === 'failed'),
    'the failure at the supervisor',
  );
});
