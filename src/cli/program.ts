import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { nearestName } from '../config/nearest-name.ts';
import { printError, printUsageError } from './output.ts';
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
  plan: { summary: 'say what a configuration would change', load: () => import('./plan.ts') },
  apply: { summary: 'make a configuration the current one', load: () => import('./apply.ts') },
  rollback: { summary: 'bring an earlier revision back', load: () => import('./rollback.ts') },
  history: { summary: 'list the revisions', load: () => import('./history.ts') },
  drift: { summary: 'show nodes that run something else', load: () => import('./drift.ts') },
  export: { summary: 'save a bundle for nodes without a store', load: () => import('./export.ts') },
  status: { summary: 'show regions, services and the store', load: () => import('./status.ts') },
  explain: { summary: 'say why a request or name goes where', load: () => import('./explain.ts') },
  region: { summary: 'kill, freeze or start a region', load: () => import('./region.ts') },
  node: { summary: 'kill, freeze, stop or restart nodes', load: () => import('./node.ts') },
  restart: { summary: 'restart all nodes, one by one', load: () => import('./restart.ts') },
  service: { summary: 'kill or start a service in a region', load: () => import('./service.ts') },
  store: { summary: 'kill, freeze or start store servers', load: () => import('./store.ts') },
  exclusive: {
    summary: 'show what is active where, hand it over',
    load: () => import('./exclusive.ts'),
  },
  secret: { summary: 'make keys; set, list, rotate secrets', load: () => import('./secret.ts') },
  shift: { summary: 'move traffic step by step; drain a region', load: () => import('./shift.ts') },
  dnssec: { summary: 'make and roll keys of zones; print DS', load: () => import('./dnssec.ts') },
  zone: { summary: 'check zone files, print zones', load: () => import('./zone.ts') },
  lookup: { summary: 'look a name up as a client would', load: () => import('./lookup.ts') },
  request: { summary: 'send a request as a client would', load: () => import('./request.ts') },
  version: { summary: 'print versions', load: () => import('./version.ts') },
};

const usageStatus = 2;
const failureStatus = 1;

/** Runs the command line and sets the exit status: 0, 1 failed, 2 bad usage. */
export async function runCommand(argv: readonly string[]): Promise<void> {
  watchOutput();
  const asJson = argv.includes('--json');
  try {
    await (await buildProgram(argv, asJson)).parseAsync([...argv]);
  } catch (error) {
    const isUsage = error instanceof CommanderError && error.exitCode !== 0;
    if (error instanceof InvalidArgumentError) printUsageError(error.message, asJson);
    else if (isUsage && asJson) printUsageError(usageMessage(error), asJson);
    else if (!(error instanceof CommanderError)) printError(error, asJson);
    if (error instanceof CommanderError) process.exitCode = isUsage ? usageStatus : 0;
    else process.exitCode = failureStatus;
  }
}

/** What commander itself finds it prints itself, but not as JSON. */
function usageMessage({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'a command is missing; --help lists them';
  return message.replace(/^error: /, '').replaceAll('\n', ' ');
}

async function buildProgram(argv: readonly string[], asJson: boolean): Promise<Command> {
  const program = new Command('meridian')
    .description('Self-hosted multi-region API gateway.')
    .version(readPackageVersion())
    .exitOverride()
    .showHelpAfterError('(add --help for the options)')
    .configureOutput({
      writeErr: (text) => void (asJson || process.stderr.write(text)),
      outputError: (text, write) => write(`meridian: ${text.replace(/^error: /, '')}`),
    });
  const [called, topic] = calledWords(argv);
  if (called === 'help' && topic !== undefined) requireCommand(topic);
  // `help up` needs the options of `up` too.
  const needed = called === 'help' ? topic : called;
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = program.command(name).description(summary);
    if (name === needed) (await load()).define(command);
  }
  return program;
}

function calledWords(argv: readonly string[]): string[] {
  return argv.slice(2).filter((word) => !word.startsWith('-'));
}

/** @throws InvalidArgumentError */
function requireCommand(name: string): void {
  if (name === 'help' || Object.hasOwn(commands, name)) return;
  const meant = nearestName(name, Object.keys(commands));
  const hint = meant === undefined ? '' : `\n(Did you mean ${meant}?)`;
  throw new InvalidArgumentError(`unknown command '${name}'${hint}`);
}

/** What cannot be written is said once; that a reader such as `head` had enough is no fault. */
function watchOutput(): void {
  let told = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (told || error.code === 'EPIPE' || error.code === 'EIO') return;
    told = true;
    process.exitCode = failureStatus;
    const why = error.code === 'ENOSPC' ? 'no space is left' : error.message;
    process.stderr.write(`meridian: cannot write to the standard output: ${why}\n`);
  });
  process.stderr.on('error', () => undefined);
}
