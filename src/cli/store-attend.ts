import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { counted, print } from './output.ts';
import { collectHost, collectPort } from './store-config.ts';

interface AttendOptions {
  readonly identityDir: string;
  readonly host?: Readonly<Record<string, string>>;
  readonly port?: Readonly<Record<string, number>>;
}

export function defineAttend(store: Command): void {
  store
    .command('attend')
    .description("have one's own hub elect a leader within 2 to 4 s of losing one")
    .argument('<file>', 'configuration of Meridian, with store.tls')
    .option('--identity-dir <dir>', 'of ca.pem, cert.pem, key.pem', '/etc/meridian/system')
    .option('--host <region=host>', 'where its voter is reached; repeatable', collectHost)
    .option('--port <name=port>', 'hub, if not 4223', collectPort)
    .addHelpText(
      'after',
      '\nRuns until it is stopped; beside one voter, or beside each. Its certificate names\n' +
        'system.meridian.internal, which has all rights on the servers. See docs/guides/store.md.',
    )
    .action(attend);
}

async function attend(file: string, options: AttendOptions): Promise<void> {
  const { loadConfig } = await import('../config/load.ts');
  const { operatorVoters } = await import('../store/nats-server/operator-files.ts');
  const { Elections } = await import('../store/elections/elections.ts');
  const { config } = await loadConfig(file);
  const voters = operatorVoters(config, { hosts: options.host, ports: options.port });
  const read = (name: string) => readFileSync(join(options.identityDir, name), 'utf8');
  const elections = new Elections({
    voters,
    name: `attend-${process.pid}`,
    tls: { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') },
    onCall: (group) => print(`${new Date().toISOString()} called the election of ${group}`),
  });
  print(`attending ${counted(voters.length, 'voter')}`);
  const reporting = setInterval(reporter(elections), 2_000);
  const stopped = new AbortController();
  const { signal } = stopped;
  await Promise.race([once(process, 'SIGTERM', { signal }), once(process, 'SIGINT', { signal })]);
  stopped.abort();
  clearInterval(reporting);
  await elections.close();
}

/** Says which voters it cannot reach, and why, when that changes. */
function reporter(elections: { readonly unreached: readonly string[] }): () => void {
  let told = 'nothing yet';
  return () => {
    const text = elections.unreached.join('; ');
    if (text !== told) print(text === '' ? 'all voters are reached' : `not reached: ${text}`);
    told = text;
  };
}
