import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigInput } from '../../config/schema/config.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import { createExchange } from '../testdata/exchange.ts';
import { createPatientClient } from '../testdata/patient-client.ts';
import { createDnsServer } from './server.ts';

test('queries are answered while a large zone is prepared; a later call overtakes it', async (t) => {
  const address = { host: '127.0.0.1', port: 0 };
  const metrics = new DnsMetrics();
  const { options } = createExchange();
  const server = await createDnsServer({ ...options, ...address, reusePort: false, metrics });
  t.after(() => server.close());
  const client = createPatientClient({ server: '127.0.0.1', port: server.port });
  t.after(() => client.close());
  const ask = async (name: string) => (await client.lookup({ name, type: 'A' })).rcode;
  const prepare = (zones: ConfigInput['zones']) =>
    server.prepare({ ...createExchange(zones).options, ...address, port: server.port });

  const lines = Array.from({ length: 20_000 }, (_, i) => `host${i} A 192.0.2.1\n`);
  const large = { file: 'large.zone', contents: { 'large.zone': `$TTL 5\n${lines.join('')}` } };
  const order: string[] = [];
  const first = prepare({ 'large.test': large }).finally(() => order.push('large'));
  assert.equal(await ask('static.exchange.test'), 'NOERROR');
  order.push('answered');
  const second = await prepare({ 'late.test': { file: 'l', contents: { l: '@ 5 A 192.0.2.2' } } });
  order.push('small');
  (await first).commit();
  assert.deepEqual(order, ['answered', 'small', 'large']);
  assert.equal(await ask('host1.large.test'), 'REFUSED');
  second.commit();
  assert.equal(await ask('late.test'), 'NOERROR');
});
