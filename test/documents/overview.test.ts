import assert from 'node:assert/strict';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { announce } from '../../src/cli/announcement.ts';
import { loadConfig } from '../../src/config/load.ts';
import { tiers } from '../../tools/import-order.ts';
import { blocksOf, tableUnder } from './markdown.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('the README leads to every guide, and the list of decisions to every decision', () => {
  const rows = tableUnder('README.md', 'guide').rows.map(([link]) => link!);
  const told = rows.map((link) => /\((docs\/guides\/[\w-]+\.md)\)/.exec(link)?.[1]);
  assert.deepEqual(told.sort(), globSync('docs/guides/*.md', { cwd: root }).sort());
  const decisions = tableUnder('docs/decisions/README.md', 'page').rows.map(
    ([link]) => /\(([\w-]+\.md)\)/.exec(link!)![1]!,
  );
  const pages = globSync('*.md', { cwd: join(root, 'docs/decisions') });
  assert.deepEqual(decisions.sort(), pages.filter((page) => page !== 'README.md').sort());
});

test('what the README shows of `up` is what it prints', async () => {
  const { config } = await loadConfig(join(root, 'examples/currency-exchange/meridian.yaml'));
  const text = announce({
    ...{ config, file: 'meridian.yaml', directory: '.meridian', degraded: [], refused: [] },
    ...{ readyMs: 1, command: 'npx meridian', stateFlag: '', tools: { curl: true, dig: true } },
  });
  const shown = blocksOf('README.md', '').find((block) => block.text.startsWith('REGION'));
  assert.ok(text.replace(/^ {2}/gm, '').includes(`\n${shown?.text}`), text);
});

/** A service that starts is stood in for by another region's. */
test('what is started is waited for before it is asked', () => {
  for (const page of ['README.md', 'examples/currency-exchange/README.md']) {
    let started: string | undefined;
    let asked = 0;
    for (const line of blocksOf(page, 'sh').flatMap(({ text }) => text.split('\n'))) {
      if (/^(until|sleep) /.test(line)) started = undefined;
      if (/^npx meridian (region|node|store) start/.test(line)) started = line;
      if (!line.startsWith('npx meridian request')) continue;
      asked++;
      assert.equal(started, undefined, `${page}: ${line}`);
    }
    assert.ok(asked >= 5, page);
  }
});

test('the architecture names folders and files that are there, and every folder of the sources', () => {
  const text = read('ARCHITECTURE.md');
  const names = [...text.matchAll(/`([a-z][\w.-]*(?:\/[\w.-]*)+)`/g)].map(([, name]) => name!);
  assert.ok(names.length > 40);
  for (const name of names) {
    const there = existsSync(join(root, name)) || existsSync(join(root, 'src', name));
    assert.ok(there, name);
  }
  const folders = tableUnder('ARCHITECTURE.md', 'tier').rows.map(([tier, folder]) => [
    folder!.replaceAll('`', '').replace('src/', ''),
    Number(tier),
  ]);
  const expected = readdirSync(join(root, 'src')).map((folder) => [
    folder,
    1 + tiers.findIndex((tier) => tier.includes(folder)),
  ]);
  assert.deepEqual(folders.sort(), expected.sort());
});
