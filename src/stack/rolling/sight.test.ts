import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StateName } from '../../health/table.ts';
import type { StackNode } from '../plan/nodes.ts';
import { unseenBy, type Word } from './sight.ts';

const nodeOf = (title: string, address: string): StackNode => {
  const [region = '', name] = title.split('/');
  return { id: title, title, region, name, address, bind: address, serves: true };
};
const a = nodeOf('eu/a', '127.0.2.1');
const b = nodeOf('eu/b', '127.0.2.2');
const us = nodeOf('us', '127.0.1.1');

/** What somebody sees of eu: its gateway, then its addresses. */
function word(
  gateway: StateName,
  addresses: Record<string, StateName> = {},
  draining = false,
): Word {
  const history = { reason: '', since: undefined, flaps: 0 };
  const seen = Object.entries(addresses).map(([address, state]) => {
    return { address, node: undefined, state, draining };
  });
  const eu = { name: 'eu', gateway: { state: gateway, ...history }, draining };
  return { regions: [{ ...eu, addresses: seen, lastHeardSecondsAgo: undefined }] };
}
const both = (own: StateName, draining = false) =>
  word('healthy', { '127.0.2.1': 'healthy', '127.0.2.2': own }, draining);

test('a node is fit when every other that answers sees its own address as healthy', () => {
  assert.equal(unseenBy(b, new Map([[a, both('healthy')]])), undefined);
  assert.equal(
    unseenBy(
      b,
      new Map<StackNode, Word>([
        [a, both('healthy')],
        [us, both('unhealthy')],
      ]),
    ),
    'it is not yet healthy to us',
    'the region is, by its other node',
  );
  assert.equal(unseenBy(b, new Map([[a, both('unknown')]])), 'it is not yet healthy to eu/a');
});

test('a node that the others still believe to leave is not fit', () => {
  assert.equal(unseenBy(b, new Map([[a, both('healthy', true)]])), 'it is not yet healthy to eu/a');
});

test('who does not answer has no say, unless it is all of them', () => {
  const words = new Map<StackNode, Word>([
    [a, undefined],
    [us, both('healthy')],
  ]);
  assert.equal(unseenBy(b, words), undefined);
  assert.match(unseenBy(b, new Map([[a, undefined]]))!, /^no other node answers/);
});

test('behind a load balancer the region counts; a witness and a node alone are seen by nobody', () => {
  const balanced = (state: StateName) => word(state, { '127.0.2.100': state });
  assert.equal(unseenBy(b, new Map([[us, balanced('healthy')]])), undefined);
  assert.equal(unseenBy(b, new Map([[us, balanced('unhealthy')]])), 'it is not yet healthy to us');
  assert.equal(unseenBy(b, new Map()), undefined);
  assert.equal(unseenBy({ ...b, serves: false }, new Map([[us, balanced('unknown')]])), undefined);
});
