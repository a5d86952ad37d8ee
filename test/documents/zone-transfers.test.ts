import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameServersSchema } from '../../src/config/schema/server-address.ts';
import { secondaryTimes } from '../../src/dns/transfer/secondary-schedule.ts';
import { tsigError } from '../../src/dns/transfer/tsig.ts';
import { imageLimits } from '../../src/dns/transfer/zone-image.ts';
import { extendedError } from '../../src/dns/wire/codes.ts';
import { secondaryStates } from '../../src/observability/zone-metrics.ts';
import { metricsPage } from '../../tools/reference/metrics-page.ts';
import { constantIn } from './constants.ts';
import { tableUnder } from './markdown.ts';

const page = 'docs/guides/zone-transfers.md';
const inTransfer = (file: string, name: string) => constantIn(`src/dns/transfer/${file}.ts`, name);

test('every limit of transfers is told', () => {
  const dayMs = 86_400_000;
  const timesOf = (seconds: number) =>
    secondaryTimes({ serial: 1, refresh: seconds, retry: seconds, expire: seconds, minimum: 0 });
  const [least, most] = [timesOf(0), timesOf(0xffff_ffff)];
  const inSeconds = (name: string) => {
    const ms = Number(inTransfer('primary-connection', name).replace('_', ''));
    return `${ms / 1_000} s`;
  };
  const names = inTransfer('transferred-zone', 'mostNames').replace('_', ',');
  const size = `${imageLimits.bytes / 1_024 ** 2} MiB`;
  const servers = Array.from({ length: 17 }, (_, at) => `10.0.0.${at}`);
  assert.ok(nameServersSchema().safeParse(servers.slice(1)).success);
  assert.ok(!nameServersSchema().safeParse(servers).success);
  assert.equal(least.expireMs, least.refreshMs + least.retryMs);
  assert.deepEqual(
    tableUnder(page, 'at most').rows.map(([limit]) => limit),
    [
      `${size}, ${imageLimits.records.toLocaleString('en')} records, ${names} names`,
      constantIn('src/dns/zone/gather.ts', 'maximumTypes'),
      inTransfer('secondaries', 'atATime'),
      inSeconds('connectMs'),
      inSeconds('silenceMs'),
      inSeconds('wholeMs'),
      `${least.refreshMs / 1_000} s to ${most.refreshMs / dayMs} days`,
      `${least.retryMs / 1_000} s to ${most.retryMs / dayMs} days`,
      `\`refresh\` + \`retry\` to ${most.expireMs / dayMs} days`,
      '16',
    ],
  );
  assert.equal(inTransfer('notifier', 'triesMs'), '[2_000, 4_000, 8_000, 16_000, 30_000]');
});

test('every state is told, with what is answered in it', () => {
  const { rows } = tableUnder(page, 'state');
  assert.deepEqual(
    rows.map(([state]) => state!.replaceAll('`', '')),
    [...secondaryStates],
  );
  const errors = rows.flatMap(([, , answer]) => /extended error (\d+)/.exec(answer!)?.[1] ?? []);
  const { notReady, invalidData } = extendedError;
  assert.deepEqual(errors.map(Number), [notReady, invalidData]);
});

test('every error of a signature is told', () => {
  const { rows } = tableUnder(page, 'a signature is refused');
  const told = rows.map(([, answer]) => /BAD(KEY|SIG|TIME|TRUNC)/.exec(answer!)?.[0]);
  assert.deepEqual(told, ['BADKEY', 'BADSIG', 'BADTIME', 'BADTRUNC']);
  assert.equal(Object.keys(tsigError).length, told.length);
});

test('every metric that the guide names is shown', async () => {
  const shown = new Set((await metricsPage.render()).match(/meridian_\w+/g));
  const named = tableUnder(page, 'metric').rows.map(([metric]) => metric!.replaceAll('`', ''));
  assert.ok(named.length >= 6);
  assert.deepEqual(
    named.filter((name) => !shown.has(name)),
    [],
  );
});
