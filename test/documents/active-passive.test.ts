import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { configSchema } from '../../src/config/schema/config.ts';
import { LeaseMachine } from '../../src/exclusive/lease-machine.ts';
import type { Facts, LeaseSettings } from '../../src/exclusive/lease-rules.ts';
import { isProblemCode, problems } from '../../src/gateway/exchange/problems.ts';
import { exclusiveStatuses } from '../../src/region/views/exclusive-view.ts';
import { configOf } from './example-config.ts';
import { blocksOf, tableUnder } from './markdown.ts';

const guide = 'docs/guides/active-passive.md';
const text = readFileSync(guide, 'utf8');
const { exclusive } = configSchema.parse(configOf(blocksOf(guide, 'yaml')[0]!));
const { lease: leaseMs, margin: marginMs, regions } = exclusive.ledger!;
const settings: LeaseSettings = {
  ...{ name: 'ledger', regions, leaseMs, marginMs, hold: false, prefer: 'holder' },
};
const well: Facts = {
  ...{ promotable: true, failing: false, leaving: false, wallMs: 0, healthy: () => true },
};

test('the times in the table are those of the machine, and the defaults', () => {
  const { heading, rows } = tableUnder(guide, 'with `lease: 5s` and `margin: 500ms`');
  assert.equal(heading.length, 2);
  const [renewed, stopped, taken] = rows.map(([, after]) => Number.parseFloat(after!) * 1_000);
  const plain = configSchema.shape.exclusive.parse({ plain: { regions } });
  assert.deepEqual([plain.plain?.lease, plain.plain?.margin], [leaseMs, marginMs]);
  const [holder, other] = regions.map(
    (region) => new LeaseMachine({ settings, region, node: region }),
  );
  const terms = { leaseMs, hold: false };
  const document = {
    holder: regions[0]!,
    token: 1,
    since: 0,
    nodes: { x: terms },
    ...{ to: undefined, highest: undefined },
  };
  holder!.observe({ revision: 1, document }, -1);
  assert.equal(holder!.tick(0, well)?.kind, 'renew');
  holder!.wrote({ kind: 'confirmed', revision: 2 }, 1);
  assert.equal(holder!.tick(renewed! - 10, well), undefined);
  assert.equal(holder!.tick(renewed!, well)?.kind, 'renew');
  assert.deepEqual([holder!.activeAt(stopped! - 1), holder!.activeAt(stopped!)], [true, false]);
  other!.observe({ revision: 2, document: holder!.document }, 0);
  assert.equal(other!.tick(leaseMs, well)?.kind, 'read', 'nothing was heard for a lease');
  other!.read(other!.entry, leaseMs);
  assert.equal(other!.tick(taken! - 1, well), undefined);
  assert.equal(other!.tick(taken!, well)?.kind, 'acquire');
});

test('the service of the guide refuses what is older', async () => {
  const [code] = blocksOf(guide, 'js');
  const module = await import(`data:text/javascript,${encodeURIComponent(code!.text)}`);
  const accepts = (token?: string) => module.isCurrent({ 'meridian-fencing-token': token });
  const answers = ['7', '7', '12', '11', '12', 'x', undefined].map((token) => accepts(token));
  assert.deepEqual(answers, [true, true, true, false, true, false, false]);
});

test('the status of the guide has the fields of a real one', () => {
  const [shown] = blocksOf(guide, 'json');
  const [status] = exclusiveStatuses([
    {
      ...{ name: 'ledger', active: true, activeRegion: 'eu', reason: '', token: 1, changes: 0 },
      ...{ sinceWallMs: 0, nodes: [], to: undefined, endsInMs: 1 },
    },
  ]);
  assert.deepEqual(Object.keys(JSON.parse(shown!.text)), Object.keys(status!));
});

test('codes, metrics and commands that it names are there', () => {
  const reference = readFileSync('docs/reference/metrics.md', 'utf8');
  const metrics = new Set(text.match(/meridian_exclusive_\w+/g));
  assert.equal(metrics.size, 4);
  for (const name of metrics) assert.ok(reference.includes(`\`${name}\``), name);
  const answered = [...text.matchAll(/\b(\d{3}) `(\w+)`/g)];
  assert.ok(answered.some(([, , code]) => code === 'not_active'));
  for (const [, status, code] of answered) {
    assert.ok(isProblemCode(code!), code);
    assert.equal(problems[code].status, Number(status), code);
  }
  const command = readFileSync('src/cli/exclusive.ts', 'utf8');
  for (const [, name] of text.matchAll(/^meridian exclusive (\w+)/gm)) {
    assert.ok(command.includes(`command('${name}')`), name);
  }
});
