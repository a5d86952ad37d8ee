import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRequest, servingStatus } from './grpc-messages.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('a request names the service, or none', () => {
  assert.deepEqual(checkRequest(''), hex('00 00000000'));
  assert.deepEqual(checkRequest('a.B'), hex('00 00000005 0a03 612e42'));
  const long = checkRequest('x'.repeat(255));
  assert.deepEqual(long.subarray(0, 8), hex('00 00000102 0aff01'));
  assert.equal(long.length, 5 + 3 + 255);
});

test('an answer has a status; absent it is the zero value, given twice the last counts', () => {
  assert.equal(servingStatus(hex('00 00000002 0801')), 'SERVING');
  assert.equal(servingStatus(hex('00 00000002 0802')), 'NOT_SERVING');
  assert.equal(servingStatus(hex('00 00000000')), 'UNKNOWN');
  assert.equal(servingStatus(hex('00 00000004 0801 0803')), 'SERVICE_UNKNOWN');
});

test('anything else is no answer', () => {
  for (const message of [
    '',
    '00 000000',
    '01 00000002 0801', // compressed
    '00 00000003 0801',
    '00 00000002 0801 00',
    '00 00000002 0809',
    '00 00000002 1001',
    '00 00000003 088101',
    '00 00000001 08',
  ]) {
    assert.equal(servingStatus(hex(message)), undefined, message);
  }
});
