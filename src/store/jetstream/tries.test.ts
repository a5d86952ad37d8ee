import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NoRespondersError, RequestError, TimeoutError } from '@nats-io/transport-node';
import { apiErrors, JetStreamApiError } from './api.ts';
import { Tries } from './tries.ts';

const pending = new Promise<never>(() => {});
const nobody = () => new RequestError('x', { cause: new NoRespondersError('x') });

it('takes the first answer, to whichever sending', async () => {
  const tries = new Tries<string>({ count: 0 });
  const first = Promise.withResolvers<string>();
  void tries.send(first.promise);
  void tries.send(pending);
  first.resolve('late');
  await tries.decided;
  assert.deepEqual(tries.outcome, { value: 'late' });
});

it('tells a failure after which to send again, and what is known then', async () => {
  const tries = new Tries<string>({ count: 0 });
  await tries.send(Promise.reject(nobody()));
  assert.deepEqual([tries.outcome, tries.taken], [undefined, false]);
  void tries.send(pending);
  assert.equal(tries.taken, true, 'an unanswered one may have been taken');
  assert.ok(tries.error instanceof TimeoutError);
});

it('a no is final, and what fails later does not cover it', async () => {
  const tries = new Tries<string>({ count: 0 });
  const slow = Promise.withResolvers<string>();
  const slowFailed = tries.send(slow.promise);
  void tries.send(Promise.reject(new JetStreamApiError(apiErrors.wrongLastSequence, 'no')));
  await tries.decided;
  slow.reject(new TimeoutError());
  await Promise.race([slowFailed, new Promise((resolve) => setImmediate(resolve))]);
  assert.ok(tries.isRefused && tries.error instanceof JetStreamApiError);
});
