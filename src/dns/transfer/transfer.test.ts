import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { requireCommand } from '../../../test/support/requirements.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import { createDnsServer, type DnsServer } from '../server/server.ts';
import { createExchange } from '../testdata/exchange.ts';

const run = promisify(execFile);
const secret = Buffer.from('a secret of two servers').toString('base64');

describe('what BIND’s dig gets of a zone transfer', { skip: requireCommand('dig') }, () => {
  let server: DnsServer;

  before(async () => {
    const { options } = createExchange({
      'open.test': {
        transfer: { to: ['127.0.0.0/8'] },
        records: Array.from({ length: 3_000 }, (_, at) => ({
          name: `host-${at}`,
          type: 'A' as const,
          values: ['192.0.2.1'],
        })),
      },
      'keyed.test': {
        transfer: { to: ['127.0.0.0/8'], key: 'transfer.test' },
        records: [{ name: 'a', type: 'A', values: ['192.0.2.1'] }],
      },
      'elsewhere.test': { transfer: { to: ['192.0.2.0/24'] }, records: [] },
    });
    const dns = {
      ...options.config.dns,
      transferKeys: { 'transfer.test': { algorithm: 'hmac-sha256' as const, secret: 'file' } },
    };
    server = await createDnsServer({
      ...options,
      config: { ...options.config, dns },
      transferSecrets: { 'transfer.test': secret },
      host: '127.0.0.1',
      port: 0,
      reusePort: false,
      metrics: new DnsMetrics(),
    });
  });
  after(() => server.close());

  async function dig(...args: string[]): Promise<string> {
    const at = ['@127.0.0.1', '-p', String(server.port), '+tries=1', '+time=30'];
    const { stdout } = await run('dig', [...at, ...args], { maxBuffer: 1 << 24 });
    return stdout;
  }

  const key = ['-y', `hmac-sha256:transfer.test:${secret}`];
  const withKey = (...args: string[]) => dig(...key, ...args);

  test('a zone of many messages comes whole', async () => {
    const output = await dig('open.test', 'AXFR');
    assert.match(output, /XFR size: 30\d\d records \(messages [2-9]/);
    assert.equal(output.match(/IN\s+SOA/g)?.length, 2);
    assert.match(output, /^host-2999\.open\.test\.\s+10\s+IN\s+A\s+192\.0\.2\.1$/m);
  });

  test('a difference is answered with the whole', async () => {
    assert.match(await dig('open.test', 'IXFR=1'), /XFR size: 30\d\d records/);
  });

  test('with a key every message is signed, and dig believes them', async () => {
    const output = await withKey('keyed.test', 'AXFR');
    assert.match(output, /XFR size: \d+ records/);
    assert.match(output, /TSIG\s+hmac-sha256/);
    assert.doesNotMatch(output, /could not be validated|TSIG.*BAD|invalid/i);
    assert.match(await withKey('open.test', 'AXFR'), /messages [2-9][\s\S]*$/);
  });

  const refused: [why: string, ...args: string[]][] = [
    ['without the key', 'keyed.test', 'AXFR'],
    [
      'with another secret',
      '-y',
      `hmac-sha256:transfer.test:${btoa('x'.repeat(20))}`,
      'keyed.test',
      'AXFR',
    ],
    ['from elsewhere', 'elsewhere.test', 'AXFR'],
    ['of a zone that nobody may have', 'exchange.test', 'AXFR'],
    ['of a part of a zone', 'host-1.open.test', 'AXFR'],
  ];
  for (const [why, ...args] of refused) {
    test(`nobody gets one ${why}`, async () => {
      assert.match(await dig(...args), /Transfer failed/);
    });
  }
});
