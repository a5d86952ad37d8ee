import assert from 'node:assert/strict';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { tiers } from '../../tools/import-order.ts';
import { tableUnder } from './markdown.ts';

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
