import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DriftRow } from '../../src/revisions/drift.ts';
import { eventually, eventuallyRight } from '../support/eventually.ts';
import { exampleWith } from '../support/example.ts';
import { send } from '../support/http.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { RoundLoad } from '../support/round-load.ts';
import { type RegionName, regionNames, TestStack, until } from '../support/stack.ts';
import { StackRevisions } from '../support/stack-revisions.ts';

const host = 'rates.exchange.test';
/** Gateways that are as busy as their machine serve. */
const config = await exampleWith((document) => {
  document.shedding = 'off';
});
const [first, second, third] = regionNames as [RegionName, RegionName, RegionName];

describe('revisions of a running stack', { skip: requireNatsServer() }, () => {
  let stack: TestStack;
  let revisions: StackRevisions;
  before(async () => {
    stack = await TestStack.start(config);
    revisions = new StackRevisions(stack);
  });
  after(() => stack?.stop());

  const statusOf = async (region: RegionName, path: string, port = 8080) =>
    (await send({ address: stack.address(region), port, host, path })).status;
  const everywhere = (path: string) => Promise.all(regionNames.map((at) => statusOf(at, path)));
  /** Whether a gateway has a route for the path: then a service answers, be it with 404. */
  const isRouted = async (region: RegionName, path: string) =>
    !(await send({ address: stack.address(region), host, path })).body.includes('route_not_found');
  const routed = (path: string) => Promise.all(regionNames.map((at) => isRouted(at, path)));
  const route = (name: string, service = 'rates') => ({
    name,
    hosts: [host],
    prefix: `/${name}`,
    service,
  });
  const rowOf = async (region: RegionName, path = '/config/drift') =>
    (await stack.admin<{ nodes: DriftRow[] }>(first, path)).nodes.find(
      (row) => row.region === region,
    );

  test('the file of `up` is the first; an applied one serves everywhere, nothing is lost', async () => {
    const { current } = await revisions.head();
    assert.deepEqual([current.sequence, current.kind], [1, 'seed']);
    await using load = new RoundLoad(stack, { host, path: '/v1/rates', perSecond: 60 });
    const document = await revisions.document();
    assert.deepEqual(await routed('/added'), [false, false, false]);
    const appliedInSeconds: number[] = [];
    for (const name of ['added', 'more', 'most']) {
      document.routes.push(route(name));
      await revisions.applied(document);
      const { revision } = await stack.status(second);
      appliedInSeconds.push(revision.appliedInSeconds ?? 60);
    }
    await load.stop();
    assert.deepEqual(await routed('/added'), [true, true, true]);
    assert.ok(load.rounds.length > 5);
    assert.deepEqual(
      load.rounds.filter((round) => round.status !== 200),
      [],
    );
    await eventuallyRight(async () => {
      const { revision, degraded } = await stack.status(second);
      assert.deepEqual([revision.source, degraded], ['store', []]);
      assert.ok((revision.staleForSeconds ?? 60) < 10);
    });
    // Of several one is applied while the machine does not stand still.
    assert.ok(Math.min(...appliedInSeconds) < 5, appliedInSeconds.join());
  });

  test('of two at once one wins and the other is told; an outdated base is refused', async () => {
    const document = await revisions.document();
    const change = (name: string) => ({ ...document, routes: [...document.routes, route(name)] });
    const apply = (name: string, base: object, at = first) =>
      revisions.apply(change(name), { base, at });
    // The store may not answer in time; then there is nothing to be told of who was first.
    const { base, answers } = await eventually('two answers', async () => {
      const { sequence, hash } = (await revisions.head()).current;
      const at = { sequence, hash };
      const both = await Promise.all([apply('one', at, first), apply('two', at, third)]);
      return both.every(({ status }) => status < 500) && { base: at, answers: both };
    });
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
    const loser = answers.find(({ status }) => status === 409);
    assert.equal(loser?.body.code, 'revision_conflict');
    const late = await eventually('an answer', async () => {
      const answer = await apply('three', base);
      return answer.status < 500 && answer;
    });
    assert.deepEqual([late.status, late.body.code], [409, 'revision_conflict']);
    await revisions.runs(base.sequence + 1);
    const broken = await revisions.apply({ ...document, routs: [] });
    assert.deepEqual([broken.status, broken.body.code], [422, 'config_invalid']);
  });

  test('the last route can be removed, and comes back with a rollback', async () => {
    const { current } = await revisions.head();
    const { routes: _, ...document } = await revisions.document();
    await revisions.applied({ ...document, routes: [] });
    assert.deepEqual(await everywhere('/v1/rates'), [404, 404, 404]);
    const base = (await revisions.head()).current;
    const { status, body } = await revisions.post('/config/rollback', {
      base: { sequence: base.sequence, hash: base.hash },
      author: 'a test',
      message: 'routes again',
    });
    assert.equal(status, 200, body.detail);
    await revisions.runs(base.sequence + 1);
    assert.deepEqual(await everywhere('/v1/rates'), [200, 200, 200]);
    assert.equal((await revisions.head()).current.hash, current.hash);
  });

  test('what one region cannot build serves in the others and stops nobody', async () => {
    const before = await revisions.document();
    const old = (await revisions.head()).current;
    const folder = join(stack.state, 'certificates');
    for (const region of [first, third]) {
      await cp(join(stack.state, 'regions', region, 'tls'), join(folder, region), {
        recursive: true,
      });
    }
    const tls = { certificate: `${folder}/{region}/cert.pem`, key: `${folder}/{region}/key.pem` };
    const changed = { ...before, tls, routes: [...before.routes, route('unbuildable')] };
    const sequence = await revisions.applied(changed, [first, third]);
    const { reason, running } = await eventually('it is refused', async () => {
      const row = await rowOf(second);
      return row?.state === 'refused' && row;
    });
    assert.match(reason, /cannot read .*eu-west-1\/cert\.pem/);
    assert.equal(running?.sequence, old.sequence);
    assert.deepEqual(await everywhere('/v1/rates'), [200, 200, 200]);
    assert.equal(await isRouted(second, '/unbuildable'), false);
    const { revision, degraded } = await stack.status(second);
    assert.deepEqual(revision.refused?.sequence, sequence);
    assert.match(degraded.join('\n'), /revision \d+ was refused here: cannot read/);

    const own = join(stack.state, 'regions', second, 'tls');
    await cp(own, join(folder, second), { recursive: true });
    process.kill(await stack.nodePid(second), 'SIGHUP'); // by itself it would within 10 s
    await revisions.runs(sequence);
    await until('no drift is left', async () => (await rowOf(second)) === undefined);
    await rm(folder, { recursive: true });
  });

  test('a port that is taken in one region: refused there, moved in the others', async (t) => {
    const before = await revisions.document();
    const holder = createServer((socket) => socket.destroy()).listen(8090, stack.address(third));
    t.after(() => holder.close());
    await once(holder, 'listening');
    const ports = { ...before.ports, http: 8090 };
    const { tls: _, ...kept } = before;
    const sequence = await revisions.applied({ ...kept, ports }, [first, second]);
    const { reason } = await eventually('it is refused', async () => {
      const row = await rowOf(third);
      return row?.state === 'refused' && row;
    });
    assert.match(reason, /8090 \(http\) is taken/);
    assert.equal(await statusOf(first, '/v1/rates', 8090), 200);
    assert.equal(await statusOf(third, '/v1/rates', 8080), 200);
    await eventuallyRight(() =>
      assert.rejects(statusOf(first, '/v1/rates', 8080), { code: 'ECONNREFUSED' }),
    );
    holder.close();
    await once(holder, 'close');
    await revisions.applied({ ...kept, ports: before.ports });
    assert.deepEqual(await everywhere('/v1/rates'), [200, 200, 200]);
    assert.ok((await revisions.head()).current.sequence > sequence);
  });

  test('waves: the canary first; then all; a refusal or errors bring the old one back', async () => {
    const document = await revisions.document();
    const waves = [[second], [first, third]];
    const bounds = { waves, errorShare: 0.05, readyShare: 1 };
    const good = { ...document, routes: [...document.routes, route('wave')] };
    const { status, body } = await revisions.apply(good, { ...bounds, pauseSeconds: 1 });
    assert.equal(status, 200, body.detail);
    const { sequence } = body.revision!;
    await until('the canary serves it', async () => {
      const others = await Promise.all([first, third].map((at) => isRouted(at, '/wave')));
      const canary = await isRouted(second, '/wave');
      assert.ok(canary || !others.includes(true), 'the canary comes first');
      return canary;
    });
    const served = await routed('/wave');
    // Who looks after the pause has missed it.
    if ((await revisions.head()).rollout?.reached === 1)
      assert.deepEqual(served, [false, true, false]);
    await until('done', async () => (await revisions.head()).rollout?.state === 'done');
    await revisions.runs(sequence);

    const services = {
      ...document.services,
      dead: { endpoints: { [second]: [`${stack.address(second)}:7999`] } },
    };
    const broken = good.routes.map((each) =>
      'name' in each && each.name === 'rates' ? { ...each, service: 'dead' } : each,
    );
    // It ends with the errors: until there are some, the canary is to hold.
    const patient = { ...bounds, pauseSeconds: 60 };
    const bad = await revisions.apply({ ...good, services, routes: broken }, patient);
    assert.equal(bad.status, 200, bad.body.detail);
    await revisions.runs(bad.body.revision!.sequence, [second]);
    const address = stack.address(second);
    await until('it is rolled back', async () => {
      await Promise.all(
        Array.from({ length: 10 }, () => send({ address, host, path: '/v1/rates' })),
      );
      return (await revisions.head()).rollout?.state === 'rolledBack';
    });
    assert.match((await revisions.head()).rollout?.reason ?? '', /answers of wave 1 were errors/);
    await revisions.runs(sequence, [second]);
    assert.equal(await statusOf(second, '/v1/rates'), 200);
    assert.equal(await statusOf(first, '/v1/rates'), 200);
  });

  test('drift: a region that is away, one that catches up by itself, an edited file', async () => {
    await stack.run('region', 'freeze', third);
    // The rolled back one is over. Nothing is accepted while voters choose another leader.
    let tries = 0;
    const accepted = async () => {
      const document = await revisions.document();
      const routes = [...document.routes, route(`try-${tries++}`)];
      const answer = await revisions.apply({ ...document, routes });
      const { code = '' } = answer.body;
      const unwritten = ['store_unreachable', 'no_quorum', 'outcome_unknown'];
      const passing = [...unwritten, 'revision_conflict', 'rollout_running'];
      return passing.includes(code) ? undefined : answer;
    };
    const { body } = await eventually('the next one is accepted', accepted, 90_000);
    assert.equal(body.code, undefined, body.detail);
    await until('it is missed', async () => {
      const row = await rowOf(third);
      return row?.state === 'unreachable' || row?.state === 'behind';
    });
    await stack.run('region', 'start', third);
    await revisions.runs(body.revision!.sequence);
    await until('no drift', async () => (await rowOf(third)) === undefined);

    const file = join(stack.state, 'config.json');
    const edited = { ...(await revisions.document()), accessLog: false };
    await writeFile(file, JSON.stringify(edited));
    await until('the edit is seen', async () => (await rowOf(first))?.state === 'localEdit');
  });
});
