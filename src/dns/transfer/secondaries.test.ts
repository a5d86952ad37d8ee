import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../../test/support/eventually.ts';
import { systemClock } from '../../base/clock.ts';
import { lookup } from '../client.ts';
import { compileDnsData } from '../server/data.ts';
import { exchangeRecords } from '../testdata/exchange.ts';
import { serveZones, transferSecrets, zonesOptions } from '../testdata/zones-server.ts';
import { Notifier } from './notifier.ts';
import { Secondaries } from './secondaries.ts';
import type { KeptZone } from './secondary-zone.ts';
import { transferRules } from './transfer-rules.ts';

const plainRecords = exchangeRecords.filter(
  ({ answers, type, routing, target }) => !answers && !routing && !target && type !== 'ALIAS',
);

/** A server that takes `example.test` from a port of 127.0.0.1, and serves what it has. */
async function secondaryOf(t: TestContext, port: number, key?: string) {
  const options = zonesOptions({
    'example.test': { secondary: { primaries: [`127.0.0.1:${port}`], ...(key && { key }) } },
    'own.test': { records: [{ name: 'www', type: 'CNAME', values: ['static.example.test.'] }] },
  });
  const kept = new Map<string, KeptZone>();
  const problems: string[] = [];
  const server = await serveZones(options, (zone, source) => secondaries.notified(zone, source));
  const secondaries = new Secondaries({
    clock: systemClock,
    from: () => undefined,
    keep: (name, zone) => kept.set(name, zone),
    changed: () => void serveAgain(),
    troubled: (_zone, problem) => problems.push(problem),
  });
  const serveAgain = async () => {
    const at = { host: '127.0.0.1', port: server.port };
    const prepared = await server.prepare({ ...options, ...at, transferred: secondaries.served });
    prepared.commit();
  };
  secondaries.update(options.config, transferRules(options.config, transferSecrets));
  secondaries.start();
  t.after(async () => {
    secondaries.close();
    await server.close();
  });
  return { secondaries, server, kept, problems, options };
}

const ask = (port: number, name: string, type: string) =>
  lookup({ server: '127.0.0.1', port, name, type, timeoutMs: 60_000 });

for (const key of [undefined, 'transfer.test']) {
  test(`a zone goes from one server to another, ${key ? 'signed' : 'in clear'}, and is the same there`, async (t) => {
    const options = zonesOptions({
      'example.test': {
        transfer: { to: ['127.0.0.0/8'], ...(key && { key }) },
        records: plainRecords,
      },
    });
    const primary = await serveZones(options);
    t.after(() => primary.close());
    const { server, secondaries, problems } = await secondaryOf(t, primary.port, key);
    const early = await ask(server.port, 'static.example.test', 'A');
    if (early.rcode !== 'NOERROR') {
      assert.deepEqual([early.rcode, early.extendedError], ['SERVFAIL', 14]);
    }
    await eventually('the zone', async () => {
      assert.deepEqual(problems, []);
      return (await ask(server.port, 'static.example.test', 'A')).rcode === 'NOERROR';
    });
    const questions = ['@ SOA', '@ NS', '@ MX', 'static A', 'big TXT', '_api._tcp SRV'];
    questions.push('x.wild A', 'b.c A', 'none A', 'ns1.lab A', 'x.lab A', 'far A', 'a.b.c AAAA');
    for (const question of questions) {
      const [label, type] = question.split(' ') as [string, string];
      const name = label === '@' ? 'example.test' : `${label}.example.test`;
      const [here, there] = await Promise.all(
        [server, primary].map(({ port }) => ask(port, name, type)),
      );
      const { tookMs: _, ...expected } = there!;
      const { tookMs: __, ...got } = here!;
      assert.deepEqual(got, expected, question);
    }
    // An alias of our own zone leads into it.
    const { answers } = await ask(server.port, 'www.own.test', 'A');
    assert.deepEqual(
      answers.map(({ type }) => type),
      ['CNAME', 'A', 'A'],
    );
    const [status] = secondaries.status();
    assert.deepEqual([status?.state, status?.serial, status?.transfers], ['current', 7, 1]);
  });
}

test('what changes at the primary is here after it was told of', async (t) => {
  const zonesAt = (serial: number) =>
    zonesOptions(
      {
        'example.test': {
          transfer: { to: ['127.0.0.0/8'], key: 'transfer.test' },
          records: [{ name: 'serial', type: 'TXT', values: [String(serial)] }],
        },
      },
      serial,
    );
  const primary = await serveZones(zonesAt(7));
  t.after(() => primary.close());
  const { server, secondaries } = await secondaryOf(t, primary.port, 'transfer.test');
  const textIs = (text: string) =>
    eventually(`serial ${text}`, async () => {
      const { answers } = await ask(server.port, 'serial.example.test', 'TXT');
      return answers[0]?.data === `"${text}"`;
    });
  await textIs('7');
  const failed: string[] = [];
  const notifier = new Notifier({
    clock: systemClock,
    from: () => undefined,
    unacknowledged: (_target, why) => failed.push(why),
  });
  t.after(() => notifier.close());
  const { keys } = transferRules(zonesAt(8).config, transferSecrets);
  const [key] = keys.values();
  const apex = compileDnsData(zonesAt(8)).zones[Symbol.iterator]().next().value!.apex;
  const target = { zone: 'example.test', apex, key, serial: 8 };
  const at = { address: '127.0.0.1', port: server.port };
  const prepared = await primary.prepare({
    ...zonesAt(8),
    host: '127.0.0.1',
    port: primary.port,
  });
  prepared.commit();
  notifier.update([{ ...target, server: at }]);
  await textIs('8');
  await eventually('an answer', () => notifier.status()[0]?.state === 'acknowledged');
  assert.deepEqual([failed, secondaries.status()[0]?.transfers], [[], 2]);
  // Who is no secondary of it says so, once.
  notifier.update([{ ...target, server: { address: '127.0.0.1', port: primary.port } }]);
  await eventually('a refusal', () => failed.length > 0);
  assert.deepEqual(failed, ['it answers NOTAUTH']);
});

const refusals: [why: string, key: string | undefined, to: string, message: RegExp][] = [
  ['with another key', 'other.test', '127.0.0.0/8', /is REFUSED$/],
  ['without the key', undefined, '127.0.0.0/8', /is REFUSED$/],
  ['from elsewhere', 'transfer.test', '192.0.2.0/24', /is REFUSED$/],
];
for (const [why, key, to, message] of refusals) {
  test(`a zone is not had ${why}, and what is asked meanwhile is answered SERVFAIL`, async (t) => {
    const primary = await serveZones(
      zonesOptions({
        'example.test': { transfer: { to: [to], key: 'transfer.test' }, records: [] },
      }),
    );
    t.after(() => primary.close());
    const { server, problems, secondaries } = await secondaryOf(t, primary.port, key);
    await eventually('a refusal', () => problems.length > 0);
    assert.match(problems[0] ?? '', message);
    const { rcode, extendedError } = await ask(server.port, 'example.test', 'SOA');
    assert.deepEqual([rcode, extendedError], ['SERVFAIL', 14]);
    assert.equal(secondaries.status()[0]?.state, 'empty');
  });
}
