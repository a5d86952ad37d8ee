import type { Command } from 'commander';
import type { SavedStream } from '../store/voters/saved-hub.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';
import { counted, print, printJson } from './output.ts';
import { access, type VoterOptions } from './store-voters.ts';

interface SaveOptions extends VoterOptions {
  readonly continue?: true;
  readonly force?: true;
}

export function defineSave(store: Command): void {
  access(store.command('save'))
    .description('save every bucket of the hub in a folder, with its revisions')
    .argument('<dir>', 'an empty folder, or one that is made')
    .addHelpText('after', '\nWhat is written meanwhile may be missing: see docs/guides/store.md.')
    .action((folder: string, options: VoterOptions) => run('save', folder, options));
  access(store.command('restore'))
    .description('make the buckets of such a folder on a hub that has none of them')
    .argument('<dir>', 'what `store save` left')
    .option('--force', 'replace buckets that have other content: what they have is lost')
    .option('--continue', 'all that was ever confirmed is in it: mirrors and watches go on')
    .action((folder: string, options: SaveOptions) => run('restore', folder, options));
}

export function defineFound(store: Command): void {
  addJsonOption(addStateOption(store.command('found')))
    .description("make a hub of three or five from a stack's only voter")
    .option('--yes', 'do it; without it only the plan is shown')
    .addHelpText(
      'after',
      '\nAfter `meridian apply` and `meridian region add` of the other regions. Writes are held for\n' +
        'some seconds; traffic and reads go on. Should it fail, the one voter goes on as before.',
    )
    .action(found);
}

async function found({ state, json, yes }: StackOptions & { readonly yes?: true }): Promise<void> {
  const { findRunningStack } = await import('../stack/control/client.ts');
  const { Founding } = await import('../stack/founding/founding.ts');
  const founding = await Founding.open(findRunningStack(state));
  try {
    const { voters, streams, alone } = await founding.look();
    if (json && !yes) printJson({ voters, streams, alone });
    if (!alone) return json ? undefined : print('nothing is to be done: the hub is a cluster');
    if (!json) {
      print(
        `hold writes; save ${counted(streams, 'bucket')}; restore to voters in ${voters.join(', ')}`,
      );
    }
    if (!yes) {
      if (!json) print('Nothing was changed. With --yes it is done.');
      process.exitCode = 2;
      return;
    }
    const startedMs = performance.now();
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    await founding.run(stop.signal, (event, detail) => {
      const atMs = Math.round(performance.now() - startedMs);
      const text = `${(atMs / 1_000).toFixed(1).padStart(5)} s  ${event}${detail ? ` ${detail}` : ''}`;
      print(json ? JSON.stringify({ atMs, event, ...(detail && { detail }) }) : text);
    });
  } finally {
    await founding.close();
  }
}

const doubts = {
  save: 'written to meanwhile: restored, it cannot be compared with this by its values',
  restore: 'compared by number only',
} as const;

async function run(name: 'save' | 'restore', folder: string, options: SaveOptions): Promise<void> {
  const { accessHub } = await import('./store-hub.ts');
  const { restoreHub, saveHub } = await import('../store/voters/saved-hub.ts');
  const hub = await accessHub(options);
  const streams: SavedStream[] = [];
  const onStream = (stream: SavedStream) => {
    streams.push(stream);
    if (options.json) return;
    const there = stream.already ? ', there already' : '';
    const doubt = stream.proved ? '' : `, ${doubts[name]}`;
    const { name: bucket, messages, last } = stream;
    print(`${bucket}: ${counted(messages, 'message')} up to ${last}${there}${doubt}`);
  };
  try {
    const operator = () => hub.servers.operator();
    if (name === 'save') await saveHub(operator, folder, onStream);
    else {
      const { continue: continues, force } = options;
      const replicas = hub.voters.length;
      await restoreHub(operator, folder, { replicas, continues, force, onRestored: onStream });
    }
    if (options.json) printJson({ folder, streams });
  } finally {
    await hub.close();
  }
}
