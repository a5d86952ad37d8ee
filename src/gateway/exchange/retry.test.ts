import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  countsAsFailure,
  type FailureKind,
  finalProblem,
  isIdempotent,
  type Replayability,
  retryAfter,
} from './retry.ts';

const safe: Replayability = {
  idempotent: true,
  bodyBegun: false,
  answered: false,
  refreshed: false,
};
const kinds: readonly FailureKind[] = [
  'connect',
  'tls',
  'saturated',
  'closed',
  'timeout',
  'badResponse',
  'refusedByPeer',
  'abandoned',
];

test('nothing is sent again once the client has a byte of an answer', () => {
  for (const kind of kinds) {
    assert.equal(retryAfter({ kind, reused: true }, { ...safe, answered: true }), 'no');
  }
});

test('what was never sent goes elsewhere, whatever it is', () => {
  for (const kind of ['connect', 'saturated'] as const) {
    assert.equal(retryAfter({ kind, reused: false }, { ...safe, idempotent: false }), 'elsewhere');
  }
});

test('where no TLS was agreed on nothing was taken, but body bytes may be lost', () => {
  const failure = { kind: 'tls', reused: false } as const;
  assert.equal(retryAfter(failure, { ...safe, idempotent: false }), 'elsewhere');
  assert.equal(retryAfter(failure, { ...safe, bodyBegun: true }), 'no');
  assert.ok(countsAsFailure(failure));
  const outcome = { idempotent: false, relayed: false, regions: [], target: undefined };
  const code = finalProblem({ ...outcome, lastFailure: 'tls' }, 'no_usable_endpoint');
  assert.equal(code, 'upstream_tls_failed');
});

test('what may have been carried out goes on only when that does no harm', () => {
  for (const kind of ['closed', 'timeout', 'refusedByPeer', 'abandoned'] as const) {
    const failure = { kind, reused: true };
    assert.equal(retryAfter(failure, { ...safe, idempotent: false }), 'no', kind);
    assert.equal(retryAfter(failure, { ...safe, bodyBegun: true }), 'no', kind);
    assert.notEqual(retryAfter(failure, safe), 'no', kind);
  }
});

test('a reused connection that dies is replaced once, then the target is left', () => {
  const failure = { kind: 'closed', reused: true } as const;
  assert.equal(retryAfter(failure, safe), 'again');
  assert.equal(retryAfter(failure, { ...safe, refreshed: true }), 'elsewhere');
  assert.equal(retryAfter({ kind: 'closed', reused: false }, safe), 'elsewhere');
});

test('the end of a reused connection is no fault of the endpoint', () => {
  const counted = kinds.filter((kind) => countsAsFailure({ kind, reused: false }));
  assert.deepEqual(counted, ['connect', 'tls', 'closed', 'timeout', 'badResponse']);
  assert.equal(countsAsFailure({ kind: 'closed', reused: true }), false);
});

test('idempotent methods are those of RFC 9110, case and all', () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
    assert.ok(isIdempotent(method), method);
  }
  for (const method of ['POST', 'PATCH', 'get', 'CONNECT', 'QUERY2']) {
    assert.ok(!isIdempotent(method), method);
  }
});

test('503 when everything was tried, the own code of what may have happened', () => {
  const outcome = {
    idempotent: true,
    relayed: false,
    regions: [],
    target: { kind: 'endpoint', lastResort: false } as const,
  };
  const code = (lastFailure: FailureKind, more: object = {}) =>
    finalProblem({ ...outcome, lastFailure, ...more }, 'no_usable_endpoint');
  assert.equal(code('connect'), 'upstream_connect_failed');
  assert.equal(code('timeout'), 'upstream_timeout');
  assert.equal(code('connect', { regions: [1] }), 'no_usable_endpoint');
  assert.equal(code('connect', { relayed: true }), 'no_usable_endpoint');
  const lastResort = { target: { kind: 'endpoint', lastResort: true } };
  assert.equal(code('closed', lastResort), 'no_usable_endpoint');
  assert.equal(code('closed', { ...lastResort, idempotent: false }), 'upstream_closed');
});
