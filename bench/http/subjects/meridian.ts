import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConfigInput } from '../../../src/config/schema/config.ts';
import { untilServing } from '../probe.ts';
import { describeSetup, type Setup, type Subject, transformation } from '../setup.ts';
import { freePorts, type Stage } from '../stage.ts';

const command = fileURLToPath(new URL('../../../bin/meridian.js', import.meta.url));

/** A node with one gateway thread that follows a configuration file. */
export interface Meridian extends Subject {
  readonly configPath: string;
  readonly config: ConfigInput;
}

export interface MeridianOptions {
  /** Of files and directories. */
  readonly name?: string;
  /** What the process may have open; default: what the machine allows. */
  readonly openFiles?: number;
}

/** Starts the real command with one gateway thread, and waits until it serves. */
export async function startMeridian(
  stage: Stage,
  setup: Setup,
  { name = 'meridian', openFiles }: MeridianOptions = {},
): Promise<Meridian> {
  const config = await configOf(setup);
  const configPath = stage.write(`${name}.json`, JSON.stringify(config));
  const state = join(stage.directory, `${name}-state`);
  const run = ['run', '--region', 'here', '--config', configPath, '--state', state];
  const limited = openFiles ? ['prlimit', `--nofile=${openFiles}:${openFiles}`] : [];
  const program = stage.startSubject(name, [...limited, process.execPath, command, ...run]);
  const { http, https } = config.ports as { http: number; https: number };
  const subject: Meridian = {
    name: 'meridian',
    program,
    httpPort: http,
    httpsPort: setup.tls ? https : 0,
    on: [...describeSetup(setup), 'traceparent', 'metrics by route, service and endpoint'],
    configPath,
    config,
  };
  await untilServing(subject, setup);
  return subject;
}

async function configOf({ originPort, routes, accessLog, transforms, tls }: Setup) {
  const [http, https, dns, admin, link] = await freePorts(5);
  return {
    regions: { here: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
    ports: { http, https, dns, admin, link },
    threads: { gateway: 1, dns: 1 },
    accessLog,
    ...(tls && { tls: { certificate: tls.certificate, key: tls.key } }),
    services: { origin: { endpoints: { here: [`127.0.0.1:${originPort}`] } } },
    routes: routes.map(({ name, host, prefix }) => ({
      name,
      ...(host !== undefined && { hosts: [host] }),
      prefix,
      service: 'origin',
      ...(transforms && { policies: [headersPolicy] }),
    })),
  } satisfies ConfigInput;
}

const { request, response } = transformation;
const headersPolicy = {
  type: 'headers' as const,
  request: { set: { [request.set[0]]: request.set[1] }, remove: [request.remove] },
  response: { set: { [response.set[0]]: response.set[1] }, remove: [response.remove] },
};
