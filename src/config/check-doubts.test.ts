import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDoubts } from './check-doubts.ts';
import { serviceSchema } from './schema/service.ts';

const doubts = (service: object): string[] => {
  const rates = serviceSchema.parse({ endpoints: { eu: ['a:1'] }, ...service });
  return checkDoubts({ services: { rates } });
};

test('a check in clear by HTTP/1.1 of what is spoken to otherwise is told, and nothing else', () => {
  const http = { check: { type: 'http' } };
  assert.match(doubts({ ...http, tls: {} }).join(), /^the check of service rates .*`https` is/);
  assert.match(doubts({ ...http, protocol: 'http2' }).join(), /`grpc` or `tcp` is likely meant$/);
  assert.deepEqual(doubts(http), []);
  assert.deepEqual(doubts({ check: { type: 'https' }, tls: {} }), []);
  assert.deepEqual(doubts({ check: { type: 'grpc' }, protocol: 'http2' }), []);
  assert.deepEqual(doubts({ check: { type: 'http', disabled: true }, tls: {} }), []);
});
