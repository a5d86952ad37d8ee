import type { Command } from 'commander';
import type { SavedStream } from '../store/voters/saved-hub.ts';
import { counted, print, printJson } from './output.ts';
import { access, type VoterOptions } from './store-voters.ts';

export function defineSave(store: Command): void {
  access(store.command('save'))
    .description('save every bucket of the hub in a folder, with its revisions')
    .argument('<dir>', 'an empty folder, or one that is made')
    .addHelpText('after', '\nWhat is written meanwhile may be missing: see docs/guides/store.md.')
    .action((folder: string, options: VoterOptions) => run('save', folder, options));
  access(store.command('restore'))
    .description('make the buckets of such a folder on a hub that has none of them')
    .argument('<dir>', 'what `store save` left')
    .action((folder: string, options: VoterOptions) => run('restore', folder, options));
}

async function run(name: 'save' | 'restore', folder: string, options: VoterOptions): Promise<void> {
  const { accessHub } = await import('./store-hub.ts');
  const { restoreHub, saveHub } = await import('../store/voters/saved-hub.ts');
  const hub = await accessHub(options);
  const streams: SavedStream[] = [];
  const onStream = (stream: SavedStream) => {
    streams.push(stream);
    if (options.json) return;
    const there = stream.already ? ', there already' : '';
    print(`${stream.name}: ${counted(stream.messages, 'message')} up to ${stream.last}${there}`);
  };
  try {
    const operator = await hub.servers.operator();
    if (name === 'save') await saveHub(operator, folder, onStream);
    else await restoreHub(operator, folder, hub.voters.length, onStream);
    if (options.json) printJson({ folder, streams });
  } finally {
    await hub.close();
  }
}
