import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { isDeclined } from '../../src/gateway/exchange/peer-problem.ts';
import { isProblemCode } from '../../src/gateway/exchange/problems.ts';
import { replayBytes } from '../../src/gateway/exchange/replay-buffer.ts';
import { type FailureKind, isIdempotent, retryAfter } from '../../src/gateway/exchange/retry.ts';
import { farness } from '../../src/steering/relay.ts';
import { blocksOf, tableUnder } from './markdown.ts';

const page = 'docs/guides/edge.md';
const root = resolve(import.meta.dirname, '../..');
const text = readFileSync(join(root, page), 'utf8').replace(/\s+/g, ' ');

test('the example is the one that stands in examples/', () => {
  const [block] = blocksOf(page, 'yaml');
  assert.equal(block!.text, readFileSync(join(root, 'examples/edge/meridian.yaml'), 'utf8'));
});

test('the table of a lost region says what the gateway decides', () => {
  const { heading, rows } = tableUnder(page, 'what happens to a request that was there');
  const methods = [...heading[1]!.matchAll(/`(\w+)`/g)].map(([, method]) => method!);
  assert.ok(methods.length === 5 && methods.every(isIdempotent));
  let decided = 0;
  for (const [what, ...answers] of rows) {
    const kind = /\(`(\w+)`\)$/.exec(what!)?.[1] as FailureKind | undefined;
    for (const [at, answer] of answers.entries()) {
      const request = { idempotent: at === 0, bodyBegun: false, refreshed: true };
      const failure = { kind: kind ?? 'closed', reused: true };
      const retry = retryAfter(failure, { ...request, answered: kind === undefined });
      assert.equal(retry, answer === 'next region' ? 'elsewhere' : 'no', `${what}: ${answer}`);
      decided++;
    }
  }
  assert.equal(decided, 12);
});

test('what a region has no room for is declined, in the words of the page', () => {
  const named = /has no room sends the request back \(([^)]*)\)/.exec(text)![1]!;
  const codes = [...named.matchAll(/`(\w+)`/g)].map(([, code]) => code!);
  assert.equal(codes.length, 3);
  for (const code of codes) assert.ok(isProblemCode(code) && isDeclined(code), code);
});

test('numbers: what is kept of contents, and what counts as equally far', () => {
  assert.ok(text.includes(`keeps the first ${replayBytes / 1024} KiB`));
  const [, near, step] =
    /below (\d+) ms count as equal, and above that those within a step of (\d+\.\d+)/
      .exec(text)!
      .map(Number);
  assert.equal(farness(0), farness(near! - 0.01));
  assert.equal(farness(near!), farness(near! * step! - 0.01));
  assert.equal(farness(near! * step! + 0.01), farness(near!) + 1);
  assert.notEqual(farness(near! - 0.01), farness(near!));
});
