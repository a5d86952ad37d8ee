import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Relocation } from '../config/relocate.ts';
import type { Config } from '../config/schema/config.ts';
import { hubConfigText, leafConfigText } from '../store/nats-server/config-text.ts';
import { checkNatsServer, findNatsServer } from '../store/nats-server/find.ts';
import { hubVoters, storeSites } from '../store/nats-server/sites.ts';
import { issueCertificates } from './certificates.ts';
import { failStack } from './errors.ts';
import { type EffectiveConfig, effectiveConfig } from './plan/effective-config.ts';
import { portNeeds } from './plan/port-needs.ts';
import { planProcesses } from './plan/processes.ts';
import { claimPorts } from './ports.ts';
import type { StackReporter } from './reporter.ts';
import { runStack } from './run-stack.ts';
import { explainUnusable, openStateDirectory } from './state/directory.ts';
import type { StackLayout } from './state/layout.ts';
import { endLeftovers } from './state/leftovers.ts';
import { lockStack } from './state/lock.ts';
import { rotateLogs } from './state/logs.ts';
import { replaceFile } from './state/private-file.ts';
import { keepSecret } from './state/secret.ts';

export interface UpOptions {
  /** The configuration file. */
  readonly file: string;
  /** The state directory; made when it is not there. */
  readonly state: string;
  readonly relocation: Relocation;
  /** The program and first arguments that run `meridian`: `[node, main.ts]`. */
  readonly meridian: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly reporter: StackReporter;
  /** How long the stack may take to become ready. */
  readonly readyWithinMs: number;
}

/**
 * Starts the stack of a configuration and resolves when it was asked to stop and all its
 * processes have ended. In order: everything that can be refused without touching the
 * machine, the state directory and its lock, what a killed supervisor left, the ports,
 * what the processes read, the processes.
 *
 * @throws MeridianError for whatever stands in the way; then nothing of it runs.
 */
export async function up(options: UpOptions): Promise<void> {
  if (process.platform !== 'linux') {
    failStack('platform_unsupported', `a stack needs Linux, this is ${process.platform}`);
  }
  const effective = await effectiveConfig(options.file, options.relocation);
  const natsServer = effective.runsStore ? findNatsServer() : undefined;
  if (natsServer !== undefined) await checkNatsServer(natsServer);

  const layout = openStateDirectory(options.state);
  const lock = await lockStack(layout);
  try {
    const leftovers = await endLeftovers(layout);
    if (leftovers > 0) options.reporter.leftoversEnded(leftovers, layout.directory);
    await claimPorts(portNeeds(effective.config, effective.runsStore));
    await writeFiles(effective, layout);
    const specs = planProcesses({
      config: effective.config,
      layout,
      meridian: options.meridian,
      configDirectory: effective.directory,
      natsServer,
      environment: options.environment,
    });
    const { config, source } = effective;
    await runStack({ config, source, layout, specs, ...options });
  } catch (error) {
    throw explainUnusable(layout.directory, error);
  } finally {
    await lock.release();
  }
}

/** What the processes read when they start. */
async function writeFiles(effective: EffectiveConfig, layout: StackLayout): Promise<void> {
  rotateLogs(layout, Object.keys(effective.config.regions));
  replaceFile(layout.config, effective.text);
  keepSecret(layout.token);
  await issueCertificates(effective.config, layout);
  if (effective.runsStore) writeStoreFiles(effective.config, layout);
}

function writeStoreFiles(config: Config, layout: StackLayout): void {
  const sites = storeSites(config);
  const voters = hubVoters(sites);
  const secret = keepSecret(layout.storeSecret);
  for (const site of sites) {
    const { store } = layout.region(site.region);
    mkdirSync(store, { recursive: true, mode: 0o700 });
    const options = (kind: string) => ({ site, voters, secret, storeDirectory: join(store, kind) });
    replaceFile(join(store, 'leaf.conf'), leafConfigText(options('leaf')));
    if (voters.includes(site)) replaceFile(join(store, 'hub.conf'), hubConfigText(options('hub')));
  }
}
