import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export const dnsPeerNames = ['gdnsd', 'knot'] as const;
export type DnsPeerName = (typeof dnsPeerNames)[number];
type Tool = DnsPeerName | 'dnsperf';

/** Program and Debian package. */
const programs: Readonly<Record<Tool, readonly [program: string, debianPackage: string]>> = {
  gdnsd: ['gdnsd', 'gdnsd'],
  knot: ['knotd', 'knot knot-module-geoip'],
  dnsperf: ['dnsperf', 'dnsperf'],
};

/** Daemons are often not on the PATH of people. */
const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];

/** The file that runs it, or `undefined`. */
export function findDnsTool(name: Tool): string | undefined {
  const [program] = programs[name];
  return places.map((place) => join(place, program)).find(isExecutable);
}

/** How to get it. */
export function missingDnsTool(name: Tool): string {
  const [program, debianPackage] = programs[name];
  return `${program} is not on PATH: apt-get install ${debianPackage}`;
}

/** `knot 3.2.6`. */
export function dnsVersionOf(name: DnsPeerName): string {
  const path = findDnsTool(name);
  if (path === undefined) return name;
  // gdnsd tells it before it complains that it was asked for nothing.
  const text = execFileSync('sh', ['-c', '"$0" --version 2>&1 || true', path], {
    encoding: 'utf8',
  });
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
