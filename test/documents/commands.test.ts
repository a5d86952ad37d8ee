import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { guidePaths } from './markdown.ts';

const root = join(import.meta.dirname, '../..');

/** The words after `meridian`, in a block or between backquotes, up to what the shell takes. */
function callsIn(text: string): string[][] {
  const whole = text.replaceAll('\\\n', ' ');
  const found = whole.matchAll(/(?:^ *(?:\$ )?(?:npx )?|`|\| |&& )meridian ([a-z][^\n`|>#;]*)/gm);
  return [...found].map(([, rest]) => rest!.trim().split(/\s+/));
}

async function defined(name: string): Promise<Command> {
  const path = join(root, 'src/cli', `${name}.ts`);
  assert.ok(existsSync(path), `there is no command "${name}"`);
  const { define } = (await import(path)) as { define(command: Command): void };
  const command = new Command(name);
  define(command);
  return command;
}

/** The command or subcommand, and what it is called with. */
async function resolved([name, ...rest]: string[]): Promise<[Command, string[]]> {
  const command = await defined(name!);
  if (command.commands.length === 0) return [command, rest];
  const sub = command.commands.find((one) => one.name() === rest[0]);
  assert.ok(sub || !rest[0] || rest[0].startsWith('-'), `"${name}" has no "${rest[0]}"`);
  return sub ? [sub, rest.slice(1)] : [command, rest];
}

test('every command that a document names is there, with its options', async () => {
  let count = 0;
  for (const path of [...guidePaths(), 'examples/currency-exchange/README.md']) {
    for (const call of callsIn(readFileSync(join(root, path), 'utf8'))) {
      const place = `${path}: meridian ${call.join(' ')}`;
      if (call[0]!.startsWith('-')) continue;
      const [command, words] = await resolved(call).catch((error: Error) =>
        assert.fail(`${place}: ${error.message}`),
      );
      const known = command.options.flatMap(({ long, short }) => [long, short]);
      for (const word of words.filter((one) => /^--?[a-z]/.test(one))) {
        assert.ok(known.includes(word.split('=')[0]!), `${place}: there is no ${word}`);
      }
      count++;
    }
  }
  assert.ok(count >= 100, `${count} calls were found`);
});
