import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  ConnectionError,
  NoRespondersError,
  RequestError,
  TimeoutError,
} from '@nats-io/transport-node';
import { isStoreError, storeError } from '../errors.ts';
import { apiErrors, JetStreamApiError } from './api.ts';
import { explainFailure, isWorthAnotherTry, mayHaveBeenTaken } from './failures.ts';

const nobody = new RequestError('x', { cause: new NoRespondersError('x') });

it('explains each kind of failure by what is known of the write', () => {
  const cases: [unknown, taken: boolean, write: boolean, code: string, outcome: string][] = [
    [
      new JetStreamApiError(apiErrors.wrongLastSequence, ''),
      true,
      true,
      'revision_mismatch',
      'unknown',
    ],
    [new JetStreamApiError(apiErrors.keyInFlight, ''), false, true, 'no_quorum', 'none'],
    [new JetStreamApiError(apiErrors.insufficientStorage, ''), false, true, 'store_full', 'none'],
    [new JetStreamApiError(apiErrors.streamNotFound, ''), false, true, 'store_unreachable', 'none'],
    [new JetStreamApiError(apiErrors.duplicateInFlight, ''), true, true, 'no_quorum', 'unknown'],
    [nobody, false, true, 'store_unreachable', 'none'],
    [nobody, true, true, 'store_unreachable', 'unknown'],
    [new TimeoutError(), true, true, 'no_quorum', 'unknown'],
    [new TimeoutError(), true, false, 'store_unreachable', 'none'],
    [new ConnectionError('lost'), true, true, 'store_unreachable', 'unknown'],
  ];
  for (const [error, taken, write, code, outcome] of cases) {
    const explained = explainFailure(error, { write, what: 'b/k', taken, closing: false });
    assert.deepEqual([explained.code, explained.details.outcome], [code, outcome], String(error));
    assert.equal(explained.cause, error);
    assert.match(explained.message, /b\/k/);
  }
});

it('tells what was surely not taken from what may have been, and what may pass', () => {
  assert.equal(mayHaveBeenTaken(nobody), false);
  assert.equal(mayHaveBeenTaken(new JetStreamApiError(apiErrors.streamNotFound, '')), false);
  assert.equal(mayHaveBeenTaken(new JetStreamApiError(apiErrors.duplicateInFlight, '')), true);
  assert.equal(mayHaveBeenTaken(new TimeoutError()), true);
  assert.equal(isWorthAnotherTry(new TimeoutError()), true);
  assert.equal(
    isWorthAnotherTry(new JetStreamApiError(apiErrors.temporarilyUnavailable, '')),
    true,
  );
  assert.equal(isWorthAnotherTry(new JetStreamApiError(apiErrors.wrongLastSequence, '')), false);
});

it('keeps a store error as it is, and knows its own from others', () => {
  const own = storeError('key_exists', 'x');
  assert.equal(explainFailure(own, { write: true, what: '', taken: true, closing: true }), own);
  assert.equal(isStoreError(own, 'key_exists'), true);
  assert.equal(isStoreError(own, 'no_quorum'), false);
  assert.equal(isStoreError(new Error('key_exists')), false);
});
