import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { printError } from './output.ts';
import { readPackageVersion } from './package-version.ts';

/** A command's file: it adds arguments, options and the action to `command`. */
interface CommandModule {
  define(command: Command): void;
}

interface CommandEntry {
  readonly summary: string;
  load(): Promise<CommandModule>;
}

/** Every command in the order of `--help`. Only the one that is called is loaded. */
const commands: Readonly<Record<string, CommandEntry>> = {
  up: { summary: 'start a stack: several regions on this machine', load: () => import('./up.ts') },
  down: { summary: 'stop the stack', load: () => import('./down.ts') },
  run: { summary: 'run one node of a region', load: () => import('./run.ts') },
  check: { summary: 'validate a configuration', load: () => import('./check.ts') },
  status: { summary: 'show regions, services and the store', load: () => import('./status.ts') },
  explain: { summary: 'say why a request or name goes where', load: () => import('./explain.ts') },
  region: { summary: 'kill, freeze or start a region', load: () => import('./region.ts') },
  service: { summary: 'kill or start a service in a region', load: () => import('./service.ts') },
  store: { summary: 'kill, freeze or start store servers', load: () => import('./store.ts') },
  lookup: { summary: 'look a name up as a client would', load: () => import('./lookup.ts') },
  request: { summary: 'send a request as a client would', load: () => import('./request.ts') },
  version: { summary: 'print versions', load: () => import('./version.ts') },
};

const usageStatus = 2;
const failureStatus = 1;

/** Runs the command line and sets the exit status: 0, 1 failed, 2 bad usage. */
export async function runCommand(argv: readonly string[]): Promise<void> {
  // `meridian status | head` closes our output early: nothing is wrong with that.
  process.stdout.on('error', ignoreClosedPipe);
  process.stderr.on('error', ignoreClosedPipe);
  try {
    await (await buildProgram(argv)).parseAsync([...argv]);
  } catch (error) {
    if (error instanceof InvalidArgumentError) {
      printError(error, false); // From an action; what commander finds itself it has printed.
      process.exitCode = usageStatus;
      return;
    }
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : usageStatus;
      return;
    }
    printError(error, argv.includes('--json'));
    process.exitCode = failureStatus;
  }
}

async function buildProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('meridian')
    .description('Self-hosted multi-region API gateway.')
    .version(readPackageVersion())
    .exitOverride()
    .showHelpAfterError('(add --help for the options)')
    .configureOutput({
      outputError: (text, write) => write(`meridian: ${text.replace(/^error: /, '')}`),
    });
  const called = calledCommand(argv);
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = program.command(name).description(summary);
    if (name === called) (await load()).define(command);
  }
  return program;
}

/** `help up` needs the options of `up` too. */
function calledCommand(argv: readonly string[]): string | undefined {
  const words = argv.slice(2).filter((word) => !word.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
}
