import assert from 'node:assert/strict';
import { test } from 'node:test';
import { families } from '../../observability/gateway-layout.ts';
import { GatewayCounters } from './gateway-counters.ts';

const fixed = { listeners: ['http'], services: [], endpoints: [], problems: [] };
const before = { ...fixed, routes: ['a', 'b'], regions: ['here', 'there'] };
const after = { ...fixed, routes: ['b', 'c'], regions: ['there', 'here'] };
const figures = (route: number, status: number) => ({
  ...{ route, status, service: -1 },
  ...{ durationMs: 1, bytesIn: 0, bytesOut: 0 },
});

test('the same layout keeps its counters', () => {
  const counters = new GatewayCounters(2, before);
  const first = counters.for(before);
  counters.replace(counters.for({ ...before }), 1);
  assert.deepEqual(
    counters.for(before).map(({ buffer }) => buffer),
    first.map(({ buffer }) => buffer),
  );
});

test('counts go over to another layout by name, and none is lost or counted twice', () => {
  const counters = new GatewayCounters(1, before);
  const [old] = counters.for(before);
  old!.request(figures(1, 200)); // b
  old!.relayed(1); // there
  old!.connectionOpened('http');
  const next = counters.for(after);
  counters.replace(next, 1);
  old!.request(figures(1, 503)); // began before, ends after the swap
  next[0]!.request(figures(0, 200)); // b too
  next[0]!.connectionClosed('http');
  const check = () => {
    const total = counters.total();
    assert.deepEqual(total.layout, after);
    assert.deepEqual(total.traffic(), { requests: 3, failed: 1 });
    assert.deepEqual(counters.traffic(), total.traffic());
    const classes = total.block.words.subarray(
      total.block.first('routes') + families.routes.width, // the slot of b
      total.block.first('routes') + families.routes.width + 5,
    );
    assert.deepEqual([...classes], [0, 2, 0, 0, 1]);
    assert.equal(total.block.words[total.block.first('relayed')], 1, 'there comes first now');
  };
  check();
  counters.drained(0, 1);
  check();
  counters.drained(0, 1);
  counters.replace(counters.for({ ...after, routes: ['b'] }), 2);
  counters.drained(0, 2);
  assert.deepEqual(counters.total().traffic(), { requests: 3, failed: 1 });
});

test('the connections of a thread that ended are closed, in whatever they were counted', () => {
  const counters = new GatewayCounters(1, before);
  const [old] = counters.for(before);
  old!.connectionOpened('https');
  const next = counters.for(after);
  counters.replace(next, 1);
  next[0]!.connectionOpened('https');
  next[0]!.connectionClosed('https'); // the one of before
  counters.threadEnded(0);
  const { block } = counters.total();
  const open = (listener: number) =>
    (block.words[block.first('opened') + listener] ?? 0) -
    (block.words[block.first('closed') + listener] ?? 0);
  assert.deepEqual([open(0), open(1), open(2)], [0, 0, 0]);
});

test('what a request of an early revision counts is not lost when later ones have drained', () => {
  const counters = new GatewayCounters(1, before);
  const [old] = counters.for(before);
  counters.replace(counters.for(before), 1); // the same layout: counted in the same
  counters.replace(counters.for(after), 2);
  counters.drained(0, 2);
  old!.request(figures(1, 503)); // of revision 1, a long one
  assert.deepEqual(counters.total().traffic(), { requests: 1, failed: 1 });
  counters.drained(0, 1);
  assert.deepEqual(counters.total().traffic(), { requests: 1, failed: 1 });
});
