import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type StalledResponse, StalledResponses, stallPatienceMs } from './stalled-responses.ts';

function world() {
  const stalled = new StalledResponses();
  const gone: string[] = [];
  const response = (name: string, pool: object): StalledResponse => ({
    pool,
    giveWay: () => void gone.push(name),
  });
  return { stalled, gone, response };
}

test('who has stalled longest at that upstream gives way, and each only once', () => {
  const { stalled, gone, response } = world();
  const [here, there] = [{}, {}];
  stalled.add(response('elsewhere', there), 0);
  stalled.add(response('first', here), 1);
  stalled.add(response('second', here), 2);
  assert.equal(stalled.relieve(here, 2 + stallPatienceMs), true);
  assert.equal(stalled.relieve(here, 2 + stallPatienceMs), true);
  assert.equal(stalled.relieve(here, 2 + stallPatienceMs), false);
  assert.deepEqual(gone, ['first', 'second']);
});

test('a client has its time, and that anew when it has taken something', () => {
  const { stalled, gone, response } = world();
  const pool = {};
  const one = response('one', pool);
  stalled.add(one, 0);
  assert.equal(stalled.relieve(pool, stallPatienceMs - 1), false);
  stalled.add(one, stallPatienceMs - 1);
  assert.equal(stalled.relieve(pool, stallPatienceMs), true, 'to be told again is no progress');
  stalled.add(one, 0);
  stalled.remove(one);
  stalled.add(one, 10);
  assert.equal(stalled.relieve(pool, stallPatienceMs), false);
  stalled.remove(one);
  assert.equal(stalled.relieve(pool, 10 * stallPatienceMs), false);
  assert.deepEqual(gone, ['one']);
});
