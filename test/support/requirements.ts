import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findNatsServer } from '../../src/store/nats-server/find.ts';

/**
 * What a test needs of the machine. Each function gives `undefined` when it is there,
 * else the reason for `test(name, { skip: reason })`; `npm test` lists these at its end.
 * With CI=true a missing requirement throws: what CI leaves out is tested nowhere.
 */

export function requireNatsServer(): string | undefined {
  try {
    findNatsServer();
    return undefined;
  } catch (error) {
    return missing((error as Error).message);
  }
}

/** A program on PATH, or where Debian keeps servers, which is not on everybody's PATH. */
export function requireCommand(name: string): string | undefined {
  return commandPath(name) === undefined ? missing(`no ${name} was found on PATH`) : undefined;
}

/** Where a required program is. */
export function commandPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function missing(reason: string): string {
  if (process.env.CI === 'true') throw new Error(`CI must have everything: ${reason}`);
  return reason;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
