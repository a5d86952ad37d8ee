import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export const peerNames = ['nginx', 'haproxy'] as const;
export type PeerName = (typeof peerNames)[number];
export type ToolName = PeerName | 'wrk' | 'h2load';

const debianPackages: Readonly<Record<ToolName, string>> = {
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  wrk: 'wrk',
  h2load: 'nghttp2-client',
};

/** Daemons are often not on the PATH of people. */
const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];

/** The file that runs it, or `undefined`. */
export function findTool(name: ToolName): string | undefined {
  return places.map((place) => join(place, name)).find(isExecutable);
}

/** How to get it. */
export function missing(name: ToolName): string {
  return `${name} is not on PATH: apt-get install ${debianPackages[name]}`;
}

/** One line for all that are missing; `undefined` when none is. */
export function toInstall(): string | undefined {
  const absent = (Object.keys(debianPackages) as ToolName[]).filter((name) => !findTool(name));
  if (absent.length === 0) return undefined;
  const packages = absent.map((name) => debianPackages[name]).join(' ');
  return `not on PATH: ${absent.join(', ')}; apt-get install ${packages}`;
}

/** `nginx 1.22.1`. */
export function versionOf(name: PeerName): string {
  const path = findTool(name);
  if (path === undefined) return name;
  // nginx writes its version to standard error.
  const text = execFileSync('sh', ['-c', '"$0" -v 2>&1', path], { encoding: 'utf8' });
  return `${name} ${/\d+(\.\d+)+/.exec(text)?.[0] ?? 'of unknown version'}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
