import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { requireCommand } from '../../../test/support/requirements.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import { formatZoneKeys, ZoneKey } from '../dnssec/zone-key.ts';
import { createExchange } from '../testdata/exchange.ts';
import { createDnsServer, type DnsServer } from './server.ts';

const run = promisify(execFile);

describe('dig and kdig read the same', {
  skip: requireCommand('dig') ?? requireCommand('kdig'),
}, () => {
  let server: DnsServer;

  before(async () => {
    const { options } = createExchange();
    const zone = 'exchange.test';
    const signed = { ...options.config.zones[zone]!, dnssec: { keys: 'anywhere' } };
    const config = { ...options.config, zones: { ...options.config.zones, [zone]: signed } };
    const zoneKeys = { [zone]: formatZoneKeys([ZoneKey.generate('csk', 'active')]) };
    const listen = { host: '127.0.0.1', port: 0, reusePort: false, metrics: new DnsMetrics() };
    server = await createDnsServer({ ...options, config, zoneKeys, ...listen });
  });
  after(() => server.close());

  /** Status, flags, and the records of all sections. */
  async function read(program: string, words: readonly string[]) {
    const at = ['@127.0.0.1', '-p', String(server.port), '+norecurse', '+retry=0', '+time=30'];
    const { stdout, stderr } = await run(program, [...at, ...words]);
    assert.doesNotMatch(stdout + stderr, /warning|malformed|mismatch/i);
    return {
      status: /status: (\w+)/.exec(stdout)?.[1],
      authoritative: /flags: ([\w ]*);/i.exec(stdout)?.[1]?.split(' ').includes('aa'),
      records: stdout
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith(';'))
        .map((line) => line.replace(/\s+/g, ' ').replaceAll(' ', '').toLowerCase())
        .sort(),
    };
  }

  const questions: [question: string, status: string, records: number][] = [
    ['static.exchange.test A', 'NOERROR', 2],
    ['static.exchange.test A +dnssec', 'NOERROR', 3],
    ['alias.exchange.test A +dnssec', 'NOERROR', 4],
    ['exchange.test DNSKEY +dnssec', 'NOERROR', 2],
    ['exchange.test CDS', 'NOERROR', 1],
    ['nothing.exchange.test A', 'NXDOMAIN', 1],
    ['nothing.exchange.test A +dnssec', 'NOERROR', 4],
    ['nothing.exchange.test NSEC', 'NOERROR', 1],
    ['any.wild.exchange.test MX +dnssec', 'NOERROR', 4],
    ['x.lab.exchange.test A +dnssec', 'NOERROR', 5],
    ['big.exchange.test TXT +tcp', 'NOERROR', 60],
    ['static.exchange.test TYPE128', 'FORMERR', 0],
    ['www.example.org A', 'REFUSED', 0],
  ];
  for (const [question, status, count] of questions) {
    test(question, async () => {
      const words = question.split(' ');
      const [dig, kdig] = await Promise.all([read('dig', words), read('kdig', words)]);
      assert.deepEqual(dig, kdig);
      assert.deepEqual([dig.status, dig.records.length], [status, count]);
    });
  }
});
