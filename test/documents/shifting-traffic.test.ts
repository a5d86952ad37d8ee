import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Command } from 'commander';
import { guardDefaults } from '../../src/admin/resources/shifts/start.ts';
import { define } from '../../src/cli/shift.ts';
import { parseGuard, parseSteps } from '../../src/cli/shift-options.ts';
import { outlineOf } from '../../src/cli/shift-words.ts';
import { configSchema } from '../../src/config/schema/config.ts';
import { startShift } from '../../src/shifts/change.ts';
import { configuredShare, type Subject, weightsOf } from '../../src/steering/shifts/subject.ts';
import { configOf } from './example-config.ts';
import { blocksOf, isBlock, partsOf } from './markdown.ts';

const path = 'docs/guides/shifting-traffic.md';
const shift = new Command('shift');
define(shift);
const commandOf = (name: string) => shift.commands.find((one) => one.name() === name);

/** Every `meridian shift …` of the page, as words. */
const typed = [...readFileSync(path, 'utf8').matchAll(/^meridian shift ([^#&\n]+)/gm)].map(
  ([, words]) => words!.trim().split(/ +/),
);
const optionsOf = (words: readonly string[]) =>
  new Map(words.flatMap((word, at) => (word.startsWith('--') ? [[word, words[at + 1]!]] : [])));

const rulesOf = (text = 'then=pause') => {
  const guard = parseGuard(text);
  return guard === 'off' ? {} : guard;
};

test('every command of the page is one, with its options', () => {
  assert.ok(typed.length >= 8);
  for (const [name, ...words] of typed) {
    const command = commandOf(name!);
    assert.ok(command, name);
    for (const option of optionsOf(words).keys()) {
      assert.ok(
        command.options.some(({ long }) => long === option),
        `${name} ${option}`,
      );
    }
  }
  const tables = partsOf(path).flatMap((part) => (isBlock(part) ? [] : [part]));
  const rows = tables.find(({ heading }) => heading[0] === 'command')!.rows;
  for (const [name] of rows) {
    assert.ok(commandOf(/^`meridian shift (\w+)`$/.exec(name!)![1]!), name);
  }
});

test('every shift of the page is accepted for the configuration of the page', () => {
  const parts = blocksOf(path, 'yaml').map((block) => configOf(block));
  const config = configSchema.parse(Object.assign({}, ...parts.reverse()));
  const starts = typed.filter(([name]) => name === 'start').map((words) => optionsOf(words));
  assert.ok(starts.length >= 4);
  for (const [index, options] of starts.entries()) {
    const route = options.get('--route');
    const subject: Subject =
      route === undefined
        ? { kind: 'record', name: options.get('--record')!, type: 'A' }
        : { kind: 'route', route };
    const plan = {
      subject,
      to: options.get('--to')!,
      steps: parseSteps(options.get('--steps')!),
      everyMs: 300_000,
      observeMs: 30_000,
      startAt: undefined,
      guard: { ...guardDefaults, ...rulesOf(options.get('--guard')) },
    };
    const author = { by: 'ana', message: '', nowMs: 0, change: '4f2a91c0'.padEnd(24, '0') };
    const document = startShift(undefined, plan, config, author);
    if (index > 0) continue;
    const [outline] = blocksOf(path, 'text');
    assert.equal(outline!.text.trimEnd(), outlineOf(document.shifts[0]!));
  }
  const api: Subject = { kind: 'record', name: 'api.example.com', type: 'A' };
  assert.equal(configuredShare(weightsOf(api, config)!, 'us-east-1'), 0.25, '"here 25 %"');
});

test('the defaults of the guard, and the steps of a region, are those of the sources', () => {
  const tables = partsOf(path).flatMap((part) => (isBlock(part) ? [] : [part]));
  const rows = tables.find(({ heading }) => heading[0] === 'rule')!.rows;
  const rules = rows.map(([rule, value]) => `${rule}=${value}`.replaceAll('`', '')).join(',');
  assert.deepEqual(rulesOf(rules), { ...guardDefaults });
  for (const [name, said] of [
    ['drain', '75, 50, 25, 0'],
    ['restore', '25, 50, 75, 100'],
  ] as const) {
    const steps = commandOf(name)!.options.find(({ long }) => long === '--steps')!;
    assert.equal((steps.defaultValue as number[]).join(', '), said);
    assert.ok(readFileSync(path, 'utf8').includes(`${said} %`));
  }
});
