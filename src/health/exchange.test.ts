import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { Exchange, type Peer } from './exchange.ts';
import { between, rank } from './rendezvous.ts';

/** The exchange of node n1 of region a. A sender in `failing` has lost its connection. */
function setUp(heard: readonly string[] = ['n1']) {
  const clock = new ManualClock();
  const sent: string[] = [];
  const open = new Set<string>();
  const failing = new Set<string>();
  let made = 0;
  const world = { heard };
  const exchange = new Exchange({
    region: 'a',
    clock,
    openSender: ({ region, node, host }) => {
      const name = host === `h-${node}` ? `${region}/${node}` : `${region}/${node}@${host}`;
      open.add(name);
      return {
        send: (frame, topic = '') =>
          sent.push(`${name} ${frame}${topic && ` (${topic})`} @${clock.monotonicMs()}`),
        status: () => ({
          connected: !failing.has(name),
          lastError: failing.has(name) ? 'lost' : undefined,
        }),
        close: () => open.delete(name),
      };
    },
    nodeFrame: () => Buffer.from(`node#${++made}`),
    regionFrame: () => Buffer.from(`#${++made}`),
    heardSince: () => world.heard,
  });
  const news = () => sent.splice(0);
  return { clock, exchange, open, failing, news, world };
}

const peer = (region: string, node = 'n1', host = `h-${node}`): Peer => ({
  region,
  node,
  host,
  port: 1,
});
const regions = (...peers: Peer[]) => ({
  node: 'n1',
  siblings: peers.filter(({ region }) => region === 'a'),
  regions: Map.groupBy(
    peers.filter(({ region }) => region !== 'a'),
    ({ region }) => region,
  ),
});
const several = (region: string, count: number) =>
  Array.from({ length: count }, (_, n) => peer(region, `n${n + 1}`));
const ranked = (to: string, count: number) =>
  rank(
    several(to, count).map(({ node }) => node),
    between('a', to),
  ).map((node) => `${to}/${node}`);

test('the same frame goes to all regions, every 500 ms', () => {
  const { clock, exchange, news } = setUp();
  exchange.update(regions(peer('b'), peer('c')));
  clock.advance(1_000);
  assert.deepEqual(news(), [
    'b/n1 #1 @0',
    'c/n1 #1 @0',
    'b/n1 #2 @500',
    'c/n1 #2 @500',
    'b/n1 #3 @1000',
    'c/n1 #3 @1000',
  ]);
});

test('changes go at once, those that come together in one frame', () => {
  const { clock, exchange, news } = setUp();
  exchange.update(regions(peer('b')));
  clock.advance(100);
  news();
  exchange.changed();
  clock.advance(2);
  exchange.changed();
  clock.advance(8);
  assert.deepEqual(news(), ['b/n1 #2 @105']);
  exchange.changed();
  clock.advance(10);
  assert.deepEqual(news(), ['b/n1 #3 @115']);
  clock.advance(495);
  assert.deepEqual(news(), ['b/n1 #4 @615']); // and again 500 ms after the last
});

test('siblings get what the node says, and what others say as it came', () => {
  const { clock, exchange, news } = setUp(['n1', 'n2', 'n3']);
  exchange.update(regions(peer('a', 'n2'), peer('a', 'n3')));
  clock.advance(10);
  assert.deepEqual(news(), ['a/n2 node#1 @0', 'a/n3 node#1 @0']);
  exchange.passOn(Buffer.from('heard'), 'b/n1');
  assert.deepEqual(news(), ['a/n2 heard (b/n1) @10', 'a/n3 heard (b/n1) @10']);
});

test('what is told to regions besides goes to their receivers, from nodes that push there', () => {
  const { exchange, news } = setUp();
  exchange.update(regions(peer('a', 'n2'), ...several('b', 3)));
  exchange.tellRegions(Buffer.from('besides'), 't');
  const told = ranked('b', 3).slice(0, 2);
  assert.deepEqual(
    news(),
    told.map((name) => `${name} besides (t) @0`),
  );

  const [first, second, third] = rank(['n1', 'n2', 'n3'], between('a', 'b'));
  const own = [first, second].includes('n1');
  const all = setUp([first!, second!, third!]);
  all.exchange.update(regions(peer('a', 'n2'), peer('a', 'n3'), peer('b')));
  all.exchange.tellRegions(Buffer.from('besides'), 't');
  assert.deepEqual(all.news(), own ? ['b/n1 besides (t) @0'] : []);
});

test('it follows the peers, connects anew for a new identity, and closes all', () => {
  const { clock, exchange, open, news } = setUp();
  exchange.update(regions(peer('b'), peer('c')));
  exchange.update(regions(peer('c', 'n1', 'moved'), peer('d')));
  assert.deepEqual([...open], ['c/n1@moved', 'd/n1']);
  open.clear(); // what is closed stays away, what is opened comes back
  exchange.reconnect();
  assert.deepEqual([...open], ['c/n1@moved', 'd/n1']);
  exchange.close();
  assert.equal(open.size, 0);
  exchange.changed();
  clock.advance(2_000);
  assert.deepEqual(news(), []);
});

test('two nodes of another region are told; one that fails is tried on, and the next told too', () => {
  const { clock, exchange, open, failing } = setUp();
  const [first, second, third, fourth] = ranked('b', 5) as [string, string, string, string];
  exchange.update(regions(...several('b', 5)));
  assert.deepEqual([...open], [first, second]);
  failing.add(first);
  clock.advance(500);
  assert.deepEqual([...open].sort(), [first, second, third].sort());
  failing.add(second);
  clock.advance(500);
  assert.deepEqual([...open].sort(), [first, second, third, fourth].sort());
  failing.clear();
  clock.advance(500);
  assert.deepEqual([...open], [first, second]);
});

test('a node sends while it is one of the first two that it has heard of', () => {
  const nodes = several('a', 5).map(({ node }) => node);
  const { clock, exchange, open, news, world } = setUp(nodes);
  const others = 'bcdefghijklmnopqrstuvwxyz'.split('').map((region) => peer(region));
  exchange.update(regions(...several('a', 5).slice(1), ...others));
  const mine = (heard: readonly string[]) =>
    others
      .filter(({ region }) => rank(heard, between('a', region)).indexOf('n1') < 2)
      .map(({ region }) => `${region}/n1`);
  clock.advance(1);
  const told = () => news().filter((line) => !line.startsWith('a/')).length;
  assert.equal(told(), mine(nodes).length);
  assert.ok(told() < others.length && mine(nodes).length > 0);
  world.heard = ['n1', 'n3', 'n4'];
  clock.advance(500);
  assert.ok(mine(world.heard).length > mine(nodes).length);
  assert.deepEqual(
    [...open].filter((name) => !name.startsWith('a/')).sort(),
    mine(world.heard).sort(),
  );
  world.heard = ['n1'];
  clock.advance(500);
  assert.equal([...open].filter((name) => !name.startsWith('a/')).length, others.length);
});
