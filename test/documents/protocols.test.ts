import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status as grpcCodes } from '@grpc/grpc-js';
import { grpcProblemAnswer } from '../../src/gateway/exchange/answers.ts';
import { type ProblemCode, problems } from '../../src/gateway/exchange/problems.ts';
import { tableUnder } from './markdown.ts';

test('problems are told to gRPC clients by the codes of the table', () => {
  const { rows } = tableUnder('docs/guides/protocols.md', 'HTTP status of the problem');
  assert.ok(rows.length >= 6);
  for (const [http, grpc] of rows) {
    const codes = Object.entries(problems).filter(([, { status }]) => String(status) === http);
    assert.ok(codes.length > 0, http);
    const [, number, name] = /^(\d+) (\w+)$/.exec(grpc!)!;
    assert.equal(grpcCodes[Number(number)], name);
    for (const [code] of codes) {
      const { fields } = grpcProblemAnswer(code as ProblemCode, '');
      assert.match(fields, new RegExp(`^grpc-status: ${number}\r$`, 'm'), code);
      assert.ok(fields.includes(code));
    }
  }
});
