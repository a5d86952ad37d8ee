import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerFields, grpcProblemAnswer, serialiseAnswer, speaksGrpc } from './answers.ts';
import { type ProblemCode, problems } from './problems.ts';

const context = { requestId: 'r', region: 'eu', wallMs: 0, headOnly: false };

test('an answer says the same in both versions', () => {
  const answer = { status: 503, contentType: 'a/b', body: 'four', fields: 'Retry-After: 1\r\n' };
  assert.deepEqual(answerFields(answer, context), [
    ...['date', 'Thu, 01 Jan 1970 00:00:00 GMT', 'content-type', 'a/b', 'content-length', '4'],
    ...['cache-control', 'no-store', 'x-request-id', 'r', 'meridian-region', 'eu'],
    ...['retry-after', '1'],
  ]);
  assert.match(serialiseAnswer(answer, context, true, 1), /\r\nRetry-After: 1\r\n\r\nfour$/);
});

test('an answer may say itself whether it is stored', () => {
  const answer = {
    status: 200,
    contentType: 'a/b',
    body: '',
    fields: 'Cache-Control: max-age=9\r\n',
  };
  assert.equal(serialiseAnswer(answer, context, true, 1).match(/^cache-control/gim)?.length, 1);
});

test('every problem has a gRPC status, and the message is one that needs no escape', () => {
  for (const code of Object.keys(problems) as ProblemCode[]) {
    const { status, fields, body } = grpcProblemAnswer(code, '');
    assert.equal(status, 200);
    assert.equal(body, '');
    assert.match(fields, /^grpc-status: \d+\r\ngrpc-message: [\x20-\x24\x26-\x7e]+\r\n$/);
  }
  assert.match(grpcProblemAnswer('no_usable_endpoint', '').fields, /^grpc-status: 14\r/);
  assert.match(grpcProblemAnswer('upstream_timeout', '').fields, /^grpc-status: 4\r/);
});

test('gRPC is known by its content type alone', () => {
  for (const type of ['application/grpc', 'application/grpc+proto', 'Application/GRPC;x=1']) {
    assert.ok(speaksGrpc(['Content-Type', type]), type);
  }
  for (const type of ['application/grpc-web', 'application/grpcx', 'text/plain']) {
    assert.ok(!speaksGrpc(['content-type', type]), type);
  }
  assert.ok(!speaksGrpc([]));
});
