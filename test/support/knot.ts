import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import { commandPath } from './requirements.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const run = promisify(execFile);

/** A name server of others. */
export interface Knot {
  /** Puts another zone file in the place of the one before, and has it read. */
  replace(zone: string, text: string): Promise<void>;
  close(): Promise<void>;
}

export interface KnotOptions {
  /** `10.0.0.1@53`. */
  readonly listen: string;
  /** Sections of its configuration besides those about itself: keys, remotes, acls, zones. */
  readonly configuration: string;
  /** Files of zones, by the name of the zone. */
  readonly files?: Readonly<Record<string, string>>;
}

export async function startKnot({ listen, configuration, files = {} }: KnotOptions): Promise<Knot> {
  const folder = await temporaryDirectory('knot');
  const file = join(folder, 'knot.conf');
  const zoneFile = (zone: string) => join(folder, `${zone}.zone`);
  for (const [zone, text] of Object.entries(files)) await writeFile(zoneFile(zone), text);
  await writeFile(
    file,
    `server:
  listen: ${listen}
  rundir: ${folder}
  udp-workers: 1
  tcp-workers: 1
database:
  storage: ${folder}/db
control:
  listen: ${folder}/control
template:
  - id: default
    storage: ${folder}
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
${configuration}
`,
  );
  const child = spawn(commandPath('knotd')!, ['-c', file], { stdio: 'ignore' });
  const control = (...words: string[]) => run(commandPath('knotc')!, ['-c', file, ...words]);
  await eventually('Knot', () =>
    control('status').then(
      () => true,
      () => false,
    ),
  );
  return {
    async replace(zone, text) {
      await writeFile(zoneFile(zone), text);
      await control('zone-reload', zone);
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await once(child, 'exit');
    },
  };
}
