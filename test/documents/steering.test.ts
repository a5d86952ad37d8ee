import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { renderExplanation } from '../../src/cli/render-explanation.ts';
import { answerSchema } from '../../src/config/schema/answer.ts';
import { routingSchema } from '../../src/config/schema/zone.ts';
import { deepestTree, largestTree } from '../../src/config/semantics/aliases.ts';
import { type Block, isBlock, partsOf, type Table, tableUnder } from './markdown.ts';
import { answerOf, type Explain, explainerOf, guideLocator, zoneConfigOf } from './name-server.ts';

const page = 'docs/guides/steering.md';
const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, page), 'utf8');
const parts = partsOf(page);
const skip = guideLocator.source === undefined && 'there is no country data';

/** Each example with what follows it. */
function examples(): [Explain, Block, Table][] {
  return parts.flatMap((part, at): [Explain, Block, Table][] => {
    const next = parts[at + 1];
    if (!isBlock(part) || part.language !== 'yaml' || !next || isBlock(next)) return [];
    return [[explainerOf(zoneConfigOf(page, part)), part, next]];
  });
}

test('every example is answered as its table says, for the reason that it says', { skip }, () => {
  let count = 0;
  for (const [explain, { place }, { heading, rows }] of examples()) {
    for (const cells of rows) {
      const row = Object.fromEntries(heading.map((name, at) => [name, cells[at]!]));
      const { name = 'api', client = '–', down = '–', answer, rule } = row;
      const dead = down === '–' ? [] : down.split(', ');
      const from = client === '–' ? undefined : client;
      const explained = explain(`${name}.example.com`, 'A', from, dead);
      const seen = [answerOf(explained), explained.rule];
      assert.deepEqual(seen, [answer, rule], `${place}: ${cells.join(' | ')}`);
      count++;
    }
  }
  assert.ok(count >= 35, `${count} rows were found`);
});

test('the example of `explain dns` is what it prints', { skip }, () => {
  const at = parts.findIndex((part) => isBlock(part) && part.language === 'yaml');
  const [example, shown] = parts.slice(at, at + 2) as [Block, Block];
  const explain = explainerOf(zoneConfigOf(page, example));
  const explained = explain('api.example.com', 'A', '81.2.69.4', ['eu-west-1']);
  assert.equal(shown.text, `${renderExplanation({ ...explained })}\n`);
});

test('each rule of evaluation has a part of its own, and each policy a row', () => {
  const table = join(root, 'src/steering/testdata/evaluation-rules.yaml');
  const { rules } = parse(readFileSync(table, 'utf8')) as { rules: object };
  const numbers = [...text.matchAll(/^### (\d+)\. /gm)].map(([, number]) => number);
  assert.deepEqual(numbers, Object.keys(rules));
  const { rows } = tableUnder(page, '`routing`');
  const policies = rows.map(([policy]) => policy!.replaceAll('`', ''));
  assert.deepEqual(policies.sort(), [...routingSchema.options].sort());
  const fields = rows.flatMap(([, , says]) =>
    [...says!.matchAll(/`(\w+)[`:]/g)].map(([, field]) => field!),
  );
  for (const field of fields) assert.ok(Object.hasOwn(answerSchema.shape, field), field);
});

test('the limits of trees are those that are checked', () => {
  const [, depth, answers] = /Trees are at most (\d+) [^,]+,\s+with ([\d,]+) answers/.exec(text)!;
  assert.deepEqual([depth, answers?.replace(',', '')], [`${deepestTree}`, `${largestTree}`]);
});
