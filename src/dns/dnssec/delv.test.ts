import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { requireCommand } from '../../../test/support/requirements.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { healthy, unhealthy } from '../../health/table.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import { createDnsServer, type DnsServer } from '../server/server.ts';
import { createExchange } from '../testdata/exchange.ts';
import { dnskey } from '../wire/records/numbered-octets.ts';
import { nextStep } from './rollover.ts';
import { formatZoneKeys, ZoneKey } from './zone-key.ts';

const run = promisify(execFile);
const zone = 'exchange.test';
const folder = await temporaryDirectory('delv');

/** Types that only a zone file holds, with names in capitals where those are part of what is signed. */
const fromFile = {
  file: 'x.zone',
  contents: {
    'x.zone': `$TTL 60
file PTR Host.Example.COM.
 NAPTR 100 10 "S" "SIP+D2U" "" _SIP._udp.Example.COM.
 SSHFP 1 1 123456789abcdef67890123456789abcdef67890
 URI 10 1 "https://example.com/"
 HTTPS 1 Svc.Example.COM. alpn=h2
 SRV 0 5 443 Host.Example.COM.
 TYPE731 \\# 3 ABCDEF
`,
  },
};

describe('what BIND’s validator makes of a signed zone', { skip: requireCommand('delv') }, () => {
  const exchange = createExchange();
  let keys: readonly ZoneKey[] = [ZoneKey.generate('csk', 'active')];
  let server: DnsServer;

  const options = () => {
    const { config } = exchange;
    const signed = { ...config.zones[zone]!, ...fromFile, dnssec: { keys: 'keys' } };
    const zones = { ...config.zones, [zone]: signed };
    const listen = { host: '127.0.0.1', port: server?.port ?? 0 };
    const zoneKeys = { [zone]: formatZoneKeys(keys) };
    return { ...exchange.options, ...listen, config: { ...config, zones }, zoneKeys };
  };

  before(async () => {
    const metrics = new DnsMetrics();
    server = await createDnsServer({ ...options(), reusePort: false, metrics });
  });
  after(() => server.close());

  /** By a validator that trusts `trusted` and nothing else. */
  async function delv(name: string, type: string, trusted = keys[0]!): Promise<string> {
    const { tail } = trusted.data;
    const [flags, protocol, algorithm, ...key] = dnskey.format(tail, 0, tail.length).split(' ');
    const anchor = `${zone}. static-key ${flags} ${protocol} ${algorithm} "${key.join('')}";`;
    const anchors = join(folder, `${trusted.tag}.conf`);
    await writeFile(anchors, `trust-anchors { ${anchor} };`);
    const at = ['@127.0.0.1', '-p', String(server.port), '-a', anchors, `+root=${zone}`];
    const { stdout, stderr } = await run('delv', [...at, `${name}.`, type]).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    return `${stdout}${stderr}`;
  }

  const positive: [name: string, type: string, data: RegExp][] = [
    ['exchange.test', 'SOA', /IN\s+SOA/],
    ['exchange.test', 'NS', /IN\s+NS/],
    ['exchange.test', 'DNSKEY', /IN\s+DNSKEY\s+257 3 13/],
    ['exchange.test', 'CDS', /IN\s+CDS\s+\d+ 13 2/],
    ['exchange.test', 'CDNSKEY', /IN\s+CDNSKEY\s+257 3 13/],
    ['exchange.test', 'TXT', /v=spf1/],
    ['exchange.test', 'MX', /10 static/],
    ['static.exchange.test', 'A', /192\.0\.2\.1/],
    ['rates.exchange.test', 'A', /127\.0\.1\.1/],
    ['follows.exchange.test', 'A', /127\.0\.1\.1/],
    ['tree.exchange.test', 'A', /192\.0\.2\.2/],
    ['_api._tcp.exchange.test', 'SRV', /0 5 443 static/],
    ['anything.wild.exchange.test', 'A', /192\.0\.2\.9/],
    ['alias.exchange.test', 'A', /CNAME\s+rates[\s\S]*127\.0\.1\.1/],
    ['big.exchange.test', 'TXT', /59x/],
    ['file.exchange.test', 'PTR', /example\.com/i],
    ['file.exchange.test', 'NAPTR', /_sip\._udp/i],
    ['file.exchange.test', 'SSHFP', /1 1 123456789/],
    ['file.exchange.test', 'URI', /https:/],
    ['file.exchange.test', 'HTTPS', /svc\.example\.com/i],
    ['file.exchange.test', 'SRV', /example\.com/i],
    ['file.exchange.test', 'TYPE731', /ABCDEF/],
    ['alias.exchange.test', 'NSEC', /NSEC\s+\\000\.alias\S* CNAME RRSIG NSEC$/m],
    ['nothing.exchange.test', 'NSEC', /NSEC\s+\\000\.nothing\S* RRSIG NSEC (NXNAME|TYPE128)$/m],
  ];
  for (const [name, type, data] of positive) {
    test(`${name} ${type} validates`, async () => {
      const output = await delv(name, type);
      assert.match(output, /^; fully validated/m);
      assert.doesNotMatch(output, /unsigned/);
      assert.match(output, data);
    });
  }

  const absent: [what: string, name: string, type: string][] = [
    ['a type that is not there', 'static.exchange.test', 'AAAA'],
    ['a type that the target of an ALIAS has not', 'follows.exchange.test', 'AAAA'],
    ['a name that is not there', 'nothing.exchange.test', 'A'],
    ['a name below one that is there', 'a.static.exchange.test', 'A'],
    ['an empty non-terminal', 'b.c.exchange.test', 'A'],
    ['a type that a wildcard has not', 'anything.wild.exchange.test', 'TXT'],
    ['an alias of nothing', 'dangling.exchange.test', 'A'],
  ];
  for (const [what, name, type] of absent) {
    test(`the denial of ${what} validates`, async () => {
      const output = await delv(name, type);
      assert.match(output, /^; (negative response, )?fully validated/m);
      assert.match(output, /NSEC/);
      assert.doesNotMatch(output, /no valid|broken|unsigned/);
    });
  }

  test('while health flips every answer validates, also the one that there is none', async () => {
    const { states: table, topology } = exchange;
    const service = topology.serviceIndex.get('rates')!;
    for (const state of [unhealthy, healthy] as const) {
      for (const { index } of topology.regions) table.setService(service, index, state);
      for (const name of ['rates', 'closed', 'pair', 'both', 'follows', 'tree']) {
        assert.match(
          await delv(`${name}.${zone}`, 'A'),
          /^; (negative response, )?fully validated/m,
        );
      }
    }
  });

  test('a rollover has no moment in which answers are bogus', async () => {
    const [old] = keys;
    for (let step = 0; step < 3; step++) {
      keys = nextStep(keys, 'csk').keys;
      const prepared = await server.prepare(options());
      prepared.commit();
      // The parent still has the old DS until the old key is gone, and the new one from the first step on.
      const trusted = step === 0 ? [old!] : keys;
      for (const key of trusted) {
        assert.match(await delv(`static.${zone}`, 'A', key), /^; fully validated/m, `step ${step}`);
      }
    }
    assert.match(await delv(`static.${zone}`, 'A', old), /no valid|failed|broken/);
  });

  test('who does not trust the key trusts nothing', async () => {
    const stranger = ZoneKey.generate('csk', 'active');
    assert.doesNotMatch(await delv(`static.${zone}`, 'A', stranger), /fully validated/);
  });
});
