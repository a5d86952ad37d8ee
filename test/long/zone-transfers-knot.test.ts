import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-ports.ts';
import { startKnot } from '../support/knot.ts';
import { requireCommand } from '../support/requirements.ts';
import {
  ask,
  gives,
  isEverywhere,
  transferNode,
  transferSecret,
} from '../support/transfer-node.ts';

const address = '127.0.94.9';
const peer = '127.0.94.10';
const key = `key:
  - id: transfer.test
    algorithm: hmac-sha256
    secret: ${transferSecret}
`;

/** Knot waits half a minute and more before it asks again who did not answer in time. */
const askedAgainMs = 120_000;

const zoneOf = (serial: number) => `$TTL 60
@ SOA ns1 dns ${serial} 3600 600 3600 60
@ NS ns1
ns1 A ${peer}
www A 192.0.2.${serial}
*.wild TXT "serial ${serial}"
`;

describe('zones between this node and Knot', { skip: requireCommand('knotd') }, () => {
  const closing: (() => Promise<void>)[] = [];
  after(async () => {
    for (const close of closing) await close();
  });

  test('from Knot: signed, told of by NOTIFY, in all threads, over a restart without Knot', async () => {
    const node = await transferNode(address);
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
      isEverywhere(address, node.dns, 'www.example.test', gives('192.0.2.1')),
    );
    const soa = await ask(address, node.dns, 'example.test', 'SOA');
    assert.match(soa.answers[0]?.data ?? '', / 1 3600 600 3600 60$/);
    const wild = await ask(address, node.dns, 'a.b.wild.example.test', 'TXT');
    assert.equal(wild.answers[0]?.data, '"serial 1"');
    assert.equal((await ask(address, node.dns, 'www.own.test')).answers.length, 2);

    await knot.replace('example.test', zoneOf(2));
    await eventually('the change', () =>
      isEverywhere(address, node.dns, 'www.example.test', gives('192.0.2.2')),
    );
    await eventually('that it is told', async () => {
      const status = JSON.parse(await node.admin('/status')) as {
        zones: { secondaries: { state: string; serial: number; transfers: number }[] };
      };
      const [shown] = status.zones.secondaries;
      return isDeepStrictEqual([shown?.state, shown?.serial, shown?.transfers], ['current', 2, 2]);
    });
    await eventually('that it is counted', async () => {
      const metrics = await node.admin('/metrics');
      return /^meridian_dns_secondary_serial\{zone="example.test"\} 2$/m.test(metrics);
    });

    await node.close();
    await knot.close();
    await node.start();
    await eventually('the zone as it was kept', () =>
      isEverywhere(address, node.dns, 'www.example.test', gives('192.0.2.2')),
    );
    await eventually('that Knot is missed', () =>
      node.logged.some((line) => line.includes('zone could not be refreshed')),
    );
  });

  test('to Knot: it hears of each revision, and has what there is here', async () => {
    const node = await transferNode(address);
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
    await eventually('the zone', knotGives('192.0.2.1'), askedAgainMs);
    await node.configure(zonesWith('192.0.2.2', `${peer}:${port}`));
    node.reload();
    await eventually('the change', knotGives('192.0.2.2'), askedAgainMs);
    await eventually('that it was acknowledged', async () =>
      (await node.admin('/status')).includes('"acknowledged"'),
    );
  });
});
