import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { freePorts } from '../../test/support/free-ports.ts';
import { startKnot } from '../../test/support/knot.ts';
import { requireCommand } from '../../test/support/requirements.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { systemClock } from '../base/clock.ts';
import { type LookupAnswer, lookup } from '../dns/client.ts';
import { createLog } from '../observability/log.ts';
import { type RegionNode, startNode } from './node.ts';
import { takeStateDirectory } from './start/state-directory.ts';

const address = '127.0.94.9';
const peer = '127.0.94.10';
const location = { latitude: 1, longitude: 2 };
const secret = Buffer.from('a secret of two name servers').toString('base64');
const key = `key:
  - id: transfer.test
    algorithm: hmac-sha256
    secret: ${secret}
`;

const zoneOf = (serial: number) => `$TTL 60
@ SOA ns1 dns ${serial} 3600 600 3600 60
@ NS ns1
ns1 A ${peer}
www A 192.0.2.${serial}
*.wild TXT "serial ${serial}"
`;

/** A node with two name server threads, in a directory of its own. */
async function nodeOf() {
  const directory = await temporaryDirectory('transfers');
  const state = join(directory, 'state');
  const [http, https, dns, link, admin] = await freePorts(5, address);
  const configPath = join(directory, 'meridian.json');
  await writeFile(join(directory, 'tsig.key'), secret);
  const logged: string[] = [];
  const log = createLog({ region: 'here', clock: systemClock, write: (line) => logged.push(line) });
  const configure = (zones: object) =>
    writeFile(
      configPath,
      JSON.stringify({
        regions: { here: { address, location } },
        ports: { http, https, link, admin, dns },
        threads: { gateway: 1, dns: 2 },
        dns: { transferKeys: { 'transfer.test': { secret: 'tsig.key' } } },
        zones,
      }),
    );
  let node: RegionNode | undefined;
  return {
    dns: dns!,
    logged,
    configure,
    async start() {
      await (await takeStateDirectory(state)).release();
      const options = { region: 'here', stateDirectory: state, adminToken: undefined };
      node = await startNode({ ...options, configPath, version: '0', log });
    },
    reload: () => node?.reload(),
    async close() {
      await node?.close();
      node = undefined;
    },
    admin: async (path: string) => {
      const response = await fetch(`http://${address}:${admin}${path}`);
      return response.text();
    },
  };
}

const ask = (server: string, port: number, name: string, type = 'A') =>
  lookup({ server, port, name, type });

/** Of each thread: a question from a port of its own goes to any of them. */
async function isEverywhere(port: number, name: string, is: (answer: LookupAnswer) => boolean) {
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(address, port, name)));
  return answers.every(is);
}

const gives = (value: string) => (answer: LookupAnswer) => answer.answers[0]?.data === value;

describe('zones between this node and Knot', { skip: requireCommand('knotd') }, () => {
  const closing: (() => Promise<void>)[] = [];
  after(async () => {
    for (const close of closing) await close();
  });

  test('from Knot: signed, told of by NOTIFY, in all threads, over a restart without Knot', async () => {
    const node = await nodeOf();
    const [port] = await freePorts(1, peer);
    closing.push(() => node.close());
    const knot = await startKnot({
      listen: `${peer}@${port}`,
      configuration: `${key}remote:
  - id: meridian
    address: ${address}@${node.dns}
    key: transfer.test
acl:
  - id: signed
    key: transfer.test
    action: transfer
zone:
  - domain: example.test
    file: example.test.zone
    acl: signed
    notify: meridian
`,
      files: { 'example.test': zoneOf(1) },
    });
    closing.push(() => knot.close());
    const secondary = { primaries: [`${peer}:${port}`], key: 'transfer.test' };
    await node.configure({
      'example.test': { secondary },
      'own.test': { records: [{ name: 'www', type: 'CNAME', values: ['www.example.test.'] }] },
    });
    await node.start();
    await eventually('the zone', () =>
      isEverywhere(node.dns, 'www.example.test', gives('192.0.2.1')),
    );
    const soa = await ask(address, node.dns, 'example.test', 'SOA');
    assert.match(soa.answers[0]?.data ?? '', / 1 3600 600 3600 60$/);
    const wild = await ask(address, node.dns, 'a.b.wild.example.test', 'TXT');
    assert.equal(wild.answers[0]?.data, '"serial 1"');
    assert.equal((await ask(address, node.dns, 'www.own.test')).answers.length, 2);

    await knot.replace('example.test', zoneOf(2));
    await eventually('the change', () =>
      isEverywhere(node.dns, 'www.example.test', gives('192.0.2.2')),
    );
    const status = JSON.parse(await node.admin('/status')) as {
      zones: { secondaries: { state: string; serial: number; transfers: number }[] };
    };
    const [shown] = status.zones.secondaries;
    assert.deepEqual([shown?.state, shown?.serial, shown?.transfers], ['current', 2, 2]);
    const metrics = await node.admin('/metrics');
    assert.match(metrics, /^meridian_dns_secondary_serial\{zone="example.test"\} 2$/m);

    await node.close();
    await knot.close();
    await node.start();
    assert.ok(await isEverywhere(node.dns, 'www.example.test', gives('192.0.2.2')));
    await eventually('that Knot is missed', () =>
      node.logged.some((line) => line.includes('zone could not be refreshed')),
    );
  });

  test('to Knot: it hears of each revision, and has what there is here', async () => {
    const node = await nodeOf();
    const [port] = await freePorts(1, peer);
    closing.push(() => node.close());
    const zonesWith = (value: string, notify: string) => ({
      'example.test': {
        transfer: { to: [`${peer}/32`], key: 'transfer.test', notify: [notify] },
        records: [
          { name: 'www', type: 'A', values: [value] },
          ...Array.from({ length: 2_000 }, (_, at) => ({
            ...{ name: `host-${at}`, type: 'TXT', values: ['x'.repeat(20)] },
          })),
        ],
      },
    });
    await node.configure(zonesWith('192.0.2.1', `${peer}:${port}`));
    await node.start();
    const knot = await startKnot({
      listen: `${peer}@${port}`,
      configuration: `${key}remote:
  - id: meridian
    address: ${address}@${node.dns}
    via: ${peer}
    key: transfer.test
acl:
  - id: told
    address: ${address}
    key: transfer.test
    action: notify
zone:
  - domain: example.test
    master: meridian
    acl: told
`,
    });
    closing.push(() => knot.close());
    const knotGives = (value: string) => async () => {
      const answer = await ask(peer, port!, 'www.example.test').catch(() => undefined);
      return answer !== undefined && gives(value)(answer);
    };
    await eventually('the zone', knotGives('192.0.2.1'));
    await node.configure(zonesWith('192.0.2.2', `${peer}:${port}`));
    node.reload();
    await eventually('the change', knotGives('192.0.2.2'));
    await eventually('that it was acknowledged', async () =>
      (await node.admin('/status')).includes('"acknowledged"'),
    );
  });
});
