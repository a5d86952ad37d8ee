import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { isBlock, partsOf } from './markdown.ts';

const root = resolve(import.meta.dirname, '../..');

function linksOf(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
}

/** As GitHub names them. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map((match) => match[1]!);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('links between documents lead to files and headings that are there', () => {
  const documents = globSync('{*,docs/**/*,bench/*,examples/*/*}.md', { cwd: root });
  assert.ok(documents.length > 20);
  for (const document of documents) {
    const path = join(root, document);
    for (const link of linksOf(readFileSync(path, 'utf8'))) {
      if (/^[a-z]+:/.test(link)) continue;
      const [file, anchor] = link.split('#');
      const target = file ? resolve(dirname(path), file) : path;
      assert.ok(existsSync(target), `${document}: ${link}`);
      if (!anchor) continue;
      const anchors = anchorsOf(readFileSync(target, 'utf8'));
      assert.ok(anchors.has(anchor), `${document}: ${relative(root, target)} has no #${anchor}`);
    }
  }
});

test('the tests that stand against known failures are there', () => {
  const rows = partsOf('docs/decisions/known-failures.md').flatMap((part) =>
    isBlock(part) ? [] : part.rows,
  );
  const files = globSync('{src,test}/**/*.{test.ts,ts}', { cwd: root });
  const tests = files
    .filter((file) => /(?:\.test|scenarios)\.ts$/.test(file))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
  assert.ok(rows.length > 20);
  for (const [, here] of rows) {
    for (const [, path] of here!.matchAll(/`([^`\s]+\.ts)`/g)) {
      assert.ok(
        files.some((file) => file.endsWith(path!)),
        path,
      );
    }
    for (const [, name] of here!.matchAll(/"([^"]+)"/g)) assert.ok(tests.includes(name!), name);
  }
});
