import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { addJsonOption, addStateOption, integerBetween, type StackOptions } from './options.ts';
import { print } from './output.ts';

/** Of each region, on one machine. */
const mostNodes = 8;

interface UpCommandOptions extends StackOptions {
  readonly portOffset: number;
  readonly loopback: number;
  readonly readyWithin: number;
  readonly nodes?: number;
}

const defaultFiles = ['meridian.yaml', 'meridian.yml', 'meridian.config.ts'] as const;

export function define(command: Command): void {
  addJsonOption(addStateOption(command))
    .argument('[file]', `configuration; default: ${defaultFiles.join(' or ')} here`)
    .option('--nodes <n>', 'nodes of each region; default: 1', integerBetween(1, mostNodes))
    .option('--port-offset <n>', 'add n to every port', integerBetween(-65_535, 65_535), 0)
    .option('--loopback <n>', 'move 127.0.x.y to 127.n.x.y', integerBetween(0, 255), 0)
    .option('--ready-within <s>', 'seconds that the start may take', integerBetween(1, 3_600), 30)
    .addHelpText('after', '\nRuns until Ctrl-C or `meridian down`. A second Ctrl-C kills at once.')
    .action(startStack);
}

async function startStack(file: string | undefined, options: UpCommandOptions): Promise<void> {
  const configuration = file ?? defaultFiles.find((name) => existsSync(name));
  if (configuration === undefined) {
    throw new InvalidArgumentError(`no ${defaultFiles.join(', ')} here: name the configuration`);
  }
  const { up } = await import('../stack/up.ts');
  const { jsonReporter } = await import('../stack/json-reporter.ts');
  const { peopleReporter } = await import('./up-reporter.ts');
  await up({
    file: configuration,
    state: options.state,
    nodes: options.nodes,
    relocation: { portOffset: options.portOffset, loopback: options.loopback },
    meridian: [process.execPath, fileURLToPath(mainModule())],
    environment: process.env,
    reporter: options.json ? jsonReporter(print) : peopleReporter(),
    readyWithinMs: options.readyWithin * 1_000,
  });
}

function mainModule(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url);
}
