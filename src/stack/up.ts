import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Relocation } from '../config/relocate.ts';
import type { Config } from '../config/schema/config.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import { hubConfigText, leafConfigText } from '../store/nats-server/config-text.ts';
import { checkNatsServer, findNatsServer } from '../store/nats-server/find.ts';
import { hubVoters, storeSites } from '../store/nats-server/sites.ts';
import { issueCertificates } from './certificates.ts';
import { keepDataTokens } from './data-tokens.ts';
import { failStack } from './errors.ts';
import { type EffectiveConfig, effectiveConfig } from './plan/effective-config.ts';
import { portNeeds } from './plan/port-needs.ts';
import { planProcesses, type StorePlan, storeSecretVariable } from './plan/processes.ts';
import { claimPorts } from './ports.ts';
import type { StackReporter } from './reporter.ts';
import { type Drawn, runStack } from './run-stack.ts';
import { explainUnusable, openStateDirectory } from './state/directory.ts';
import type { StackLayout } from './state/layout.ts';
import { endLeftovers } from './state/leftovers.ts';
import { lockStack } from './state/lock.ts';
import { rotateLogs } from './state/logs.ts';
import { replaceFile } from './state/private-file.ts';
import { keepKeyRing } from './state/sealed-file.ts';
import { keepSealedSecret, keepSecret } from './state/secret.ts';
import { voterInstance } from './state/voter-instance.ts';

export interface UpOptions {
  /** The configuration file. */
  readonly file: string;
  /** The state directory; made when it is not there. */
  readonly state: string;
  readonly relocation: Relocation;
  /** Of each region that serves; undefined: as the configuration says, else one. */
  readonly nodes?: number | undefined;
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
  const { relocation, nodes } = options;
  const effective = await effectiveConfig(options.file, { relocation, nodes });
  const { config, storeServers } = effective;
  const natsServer = storeServers ? findNatsServer() : undefined;
  if (natsServer !== undefined) await checkNatsServer(natsServer);

  const layout = openStateDirectory(options.state);
  const lock = await lockStack(layout);
  try {
    const leftovers = await endLeftovers(layout);
    if (leftovers > 0) options.reporter.leftoversEnded(leftovers, layout.directory);
    await claimPorts(portNeeds(config, natsServer !== undefined));
    const ring = keepKeyRing(layout);
    const seed = randomUUID();
    /** What is to run of a configuration, with the files that it reads written. */
    const draw = async (of: EffectiveConfig): Promise<Drawn> => {
      await writeFiles(of, layout, ring);
      const dataTokens = keepDataTokens(of.config, layout, ring);
      const specs = planProcesses({
        config: of.config,
        layout,
        meridian: options.meridian,
        configDirectory: of.directory,
        store: natsServer === undefined ? undefined : storePlan(natsServer, layout, ring),
        seed,
        environment: options.environment,
        dataTokens,
      });
      const shape = { relocation, nodes, storeServers: of.storeServers };
      return { config: of.config, source: of.source, shape, specs };
    };
    rotateLogs(layout, config);
    const redraw = async () => draw(await effectiveConfig(options.file, { relocation, nodes }));
    await runStack({ ...(await draw(effective)), redraw, layout, ...options });
  } catch (error) {
    throw explainUnusable(layout.directory, error);
  } finally {
    await lock.release();
  }
}

/** What the processes read when they start. */
async function writeFiles(
  { config, text, storeServers }: EffectiveConfig,
  layout: StackLayout,
  ring: KeyRing,
): Promise<void> {
  replaceFile(layout.config, text);
  keepSecret(layout.token);
  await issueCertificates(config, layout, ring);
  if (storeServers) writeStoreFiles(config, layout);
}

function storePlan(program: string, layout: StackLayout, ring: KeyRing): StorePlan {
  return { program, secret: keepSealedSecret(layout.storeSecret, ring) };
}

/** They hold no password: that is in the environment of the servers. */
function writeStoreFiles(config: Config, layout: StackLayout): void {
  const sites = storeSites(config);
  const voters = hubVoters(sites);
  for (const site of sites) {
    const { store } = layout.region(site.region);
    mkdirSync(store, { recursive: true, mode: 0o700 });
    const options = (folder: string) => {
      const storeDirectory = join(store, folder);
      return { site, voters, secretVariable: storeSecretVariable, storeDirectory };
    };
    replaceFile(join(store, 'leaf.conf'), leafConfigText(options('leaf')));
    if (!voters.includes(site)) continue;
    const instance = voterInstance(layout, site.region);
    const folder = instance === 1 ? 'hub' : `hub-${instance}`;
    replaceFile(join(store, 'hub.conf'), hubConfigText({ ...options(folder), instance }));
  }
}
