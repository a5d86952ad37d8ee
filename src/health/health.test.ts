import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { systemClock } from '../base/clock.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { configSchema } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import { encodeFrame } from '../link/frames.ts';
import { createHealth } from './create-health.ts';
import { Health } from './health.ts';
import { HealthTable, stateNames } from './table.ts';
import { type Closing, deploy, track } from './testdata/deployment.ts';

const until = (what: string, condition: () => boolean) => eventually(what, condition, 60_000);
const closing: Closing = [];
after(() => {
  for (const close of closing) close();
});

const a = '127.0.91.1';
const b = '127.0.92.1';
const c = '127.0.93.1';

test('three regions over real sockets agree, lose one, and find it again', async () => {
  const one = (address: string) => ({ 'node-1': address });
  const { silent, healths, tables, start, all } = await deploy(
    { a: one(a), b: one(b), c: one(c) },
    closing,
  );
  await until('all are healthy', () => ['a', 'b', 'c'].every((name) => all(name, 'healthy')));
  await until('b knows of the service in a', () => tables.get(b)?.service(0, 0) === 1);

  silent.add(c);
  const ofLost = () => healths.get(a)!.states().regions[2]!;
  // A machine that is busy may keep a probe from its answer, or a word of b from a, for a moment.
  const why =
    /^2 of 2 vantages heard say down: a, b \(127\.0\.93\.1:\d+: no answer within 500 ms\)$/;
  await until('c alone is lost, as both others say', () => {
    const isLost = all('c', 'unhealthy') && why.test(ofLost().gateway?.reason ?? '');
    return isLost && all('a', 'healthy') && all('b', 'healthy');
  });
  const lost = ofLost();
  assert.equal(lost.name, 'c');
  assert.ok(lost.gateway!.flaps >= 1);
  assert.deepEqual(lost.addresses, [
    { address: c, node: 'c', state: 'unhealthy', reason: lost.gateway!.reason, draining: false },
  ]);
  await until('c is heard', () => (ofLost().heardAgoMs ?? Number.POSITIVE_INFINITY) < 2_000);
  assert.ok(Math.abs(Date.now() - lost.gateway!.sinceWallMs!) < 120_000);

  // A restart of a, from its last state: c stays lost throughout.
  const state = JSON.parse(JSON.stringify(healths.get(a)?.exportState()));
  healths.get(a)?.close();
  tables.get(a)?.setGateway(2, 0);
  start(a, { state, ageMs: 1_000 });
  assert.ok(all('c', 'unhealthy'));

  silent.delete(c);
  await until('c is found', () => all('c', 'healthy'));

  healths.get(b)?.setDraining(true);
  await until('all know that b drains', () =>
    [a, b, c].every((at) => tables.get(at)?.draining(1) && tables.get(at)?.addressDraining(1)),
  );
});

test('two regions of two nodes: an address is lost, a node drains, an identity changes', async () => {
  const [a2, b2] = ['127.0.91.2', '127.0.92.2'];
  const regions = { a: { x: a, y: a2 }, b: { x: b, y: b2 } };
  const { silent, healths, tables, all, indexOf, config, topology, issue } = await deploy(
    regions,
    closing,
  );
  const everywhere = [a, a2, b, b2];
  const address = (of: string, state: string, at = everywhere) =>
    at.every((one) => stateNames[tables.get(one)?.address(indexOf(of)) ?? 0] === state);
  await until('all are healthy', () => everywhere.every((of) => address(of, 'healthy')));

  silent.add(b2);
  const ofB = () => healths.get(a)!.states().regions[1]!.addresses;
  await until('an address of b is lost, and nothing else', () => {
    const isSaid = /1 of 1 vantages heard say down: a/.test(ofB()[1]?.reason ?? '');
    return isSaid && address(b2, 'unhealthy') && all('b', 'healthy') && address(b, 'healthy');
  });
  assert.deepEqual(
    ofB().map(({ node, state }) => [node, state]),
    [
      ['x', 'healthy'],
      ['y', 'unhealthy'],
    ],
  );

  // The senders of a connect anew, under an identity just issued, and say that y drains.
  const identity = await issue('a');
  for (const at of [a, a2]) {
    const table = new HealthTable(topology);
    healths.get(at)?.update({ config, topology, table, identity });
    tables.set(at, table);
  }
  assert.ok(address(b2, 'unhealthy') && all('b', 'healthy'), 'states are kept');
  healths.get(a2)?.setDraining(true);
  await until('all know that y of a drains', () =>
    everywhere.every((at) => tables.get(at)?.addressDraining(indexOf(a2))),
  );
  assert.ok(everywhere.every((at) => !tables.get(at)?.draining(0)));
  for (const health of healths.values()) assert.equal(health.states().rejectedFrames, 0);
});

test('frames that are broken or foreign are counted, and change nothing', async () => {
  const config = configSchema.parse({
    regions: {
      a: { address: '127.0.91.1', location: { latitude: 0, longitude: 0 } },
      b: { address: '127.0.92.1', location: { latitude: 0, longitude: 0 } },
    },
  });
  const topology = compileTopology(config);
  const table = new HealthTable(topology);
  const options = { config, topology, table, region: 'a', node: 'n', clock: systemClock };
  const health = createHealth({ ...options, identity: undefined });
  closing.push(() => health.close());
  health.start();
  const vector = {
    kind: 'verdicts',
    version: 1,
    scope: 'region',
    region: 'b',
    node: 'n',
    incarnation: 1,
    sequence: 1,
    draining: true,
    verdicts: { 'gateway/a': 'down' },
  };
  const send = (peer: string, value: unknown) =>
    health.receiveFrame(peer, encodeFrame(value).subarray(4));
  health.receiveFrame('b', Buffer.from('{"kind":"verd'));
  health.receiveFrame('b', Buffer.from([0xff, 0xfe]));
  send('b', null);
  send('b', { ...vector, verdicts: { 'gateway/a': 'no' } });
  send('c', vector);
  assert.equal(health.states().rejectedFrames, 5);
  assert.equal(health.states().lastRejection, 'from c: c may not send that vector');
  send('b', { kind: 'something-newer' });
  assert.equal(health.states().rejectedFrames, 5);
  assert.equal(table.draining(1), false);
  send('b', vector);
  assert.equal(health.states().rejectedFrames, 5);
  assert.equal(table.draining(1), true);
  assert.equal(stateNames[table.gateway(0)], 'unhealthy');
});

/** Node x of region a, whose other node is y; b has one node. What it opens and sends is logged. */
function nodeOfTwo() {
  const location = { latitude: 0, longitude: 0 };
  const nodes = { x: { address: '10.0.1.1' }, y: { address: '10.0.1.2' } };
  const config = configSchema.parse({
    regions: { a: { address: '10.0.1.1', nodes, location }, b: { address: '10.0.2.1', location } },
  });
  const topology = compileTopology(config);
  const log: string[] = [];
  const identity = (key: string) => ({ ca: 'ca', cert: 'cert', key });
  const input = () => ({ config, topology, table: new HealthTable(topology) });
  const health = new Health({
    ...input(),
    region: 'a',
    node: 'x',
    identity: identity('old'),
    clock: new ManualClock(),
    random: () => 0,
    probe: () => () => undefined,
    openSender: ({ host }, opened) => {
      log.push(`open ${host} ${opened?.key}`);
      return {
        send: (frame, topic) => log.push(`send ${host} ${topic} ${frame.subarray(4)}`),
        status: () => ({ connected: true, lastError: undefined }),
        close: () => log.push(`close ${host}`),
      };
    },
  });
  closing.push(() => health.close());
  health.start();
  return { health, input, identity, news: () => log.splice(0) };
}

test('a new identity connects everything anew; the same, or none, nothing', () => {
  const { health, input, identity, news } = nodeOfTwo();
  assert.deepEqual(news(), ['open 10.0.1.2 old', 'open 10.0.2.1 old']);
  health.update(input());
  health.update({ ...input(), identity: identity('old') });
  assert.deepEqual(news(), []);
  health.update({ ...input(), identity: identity('new') });
  assert.deepEqual(news(), [
    'close 10.0.1.2',
    'close 10.0.2.1',
    'open 10.0.1.2 new',
    'open 10.0.2.1 new',
  ]);
  assert.throws(() => health.update({ ...input(), node: 'z' }), RangeError);
  health.update({ ...input(), node: 'y' });
  assert.deepEqual(news(), ['open 10.0.1.1 new', 'close 10.0.1.2']);
});

test('what another region says is passed on to the siblings as it came, once', () => {
  const { health, news } = nodeOfTwo();
  const vector = {
    ...{ kind: 'verdicts', version: 1, scope: 'region', region: 'b', node: 'n', hint: 'newer' },
    ...{ incarnation: 1, sequence: 1, draining: false, verdicts: {} },
  };
  const receive = (peer: string, value: object) =>
    health.receiveFrame(peer, Buffer.from(JSON.stringify(value)));
  news();
  receive('b', vector);
  assert.deepEqual(news(), [`send 10.0.1.2 b ${JSON.stringify(vector)}`]);
  receive('a', { ...vector, sequence: 2 });
  receive('a', { ...vector, scope: 'node', region: 'a', node: 'y' });
  receive('b', { ...vector, sequence: 3, region: 'a' });
  receive('b', { ...vector, sequence: 3, drainingNodes: Array(10_000).fill('n') });
  assert.deepEqual(news(), []);
  assert.equal(health.states().rejectedFrames, 2);
});

test('an update keeps out what was ejected', () => {
  const location = { latitude: 0, longitude: 0 };
  const config = configSchema.parse({
    regions: { a: { address: '10.0.1.1', location } },
    services: { rates: { endpoints: { a: ['10.1.0.1:80', '10.1.0.2:80'] } } },
  });
  const topology = compileTopology(config);
  const [table, next] = [new HealthTable(topology), new HealthTable(topology)];
  const health = createHealth({
    config,
    topology,
    table,
    region: 'a',
    node: 'n',
    clock: new ManualClock(),
  });
  closing.push(() => health.close());
  const [first] = topology.endpoints;
  assert.ok(first);
  table.eject(first, topology.endpoints, 0.5);
  health.update({ config, topology, table: next });
  assert.equal(next.ejected(0), true);
  const breakers = () => health.states().services[0]?.endpoints.map(({ breaker }) => breaker);
  assert.deepEqual(breakers(), ['open', 'closed']);
  next.endpoints.tryAgain(0, 1);
  assert.deepEqual(breakers(), ['halfOpen', 'closed']);
});

test('a new configuration is followed into its new table', async () => {
  const parse = (services: object) =>
    configSchema.parse({
      regions: { a: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
      services,
    });
  const input = (services: object) => {
    const config = parse(services);
    const topology = compileTopology(config);
    return { config, topology, table: new HealthTable(topology) };
  };
  const port = await new Promise<number>((resolve) => {
    const server = track(
      createServer((socket) => socket.resume()),
      closing,
    );
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
  const check = { type: 'tcp', interval: '200ms' };
  const rates = { endpoints: { a: [`127.0.0.1:${port}`] }, check };
  const first = input({ rates });
  const health = createHealth({
    ...first,
    region: 'a',
    node: 'n',
    clock: systemClock,
    identity: undefined,
  });
  closing.push(() => health.close());
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(health.states().services[0]?.endpoints[0]?.detail, '', 'probed before the start');
  health.start();
  await until('rates is healthy', () => first.table.service(0, 0) === 1);
  const second = input({ convert: rates, rates });
  health.update(second);
  assert.deepEqual([second.table.service(0, 0), second.table.service(1, 0)], [1, 1]);
  assert.deepEqual(
    health.states().services.map(({ service, state }) => `${service} ${state}`),
    ['convert healthy', 'rates healthy'],
  );
});
