import { randomUUID } from 'node:crypto';
import type { Relocation } from '../config/relocate.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import { checkNatsServer, findNatsServer } from '../store/nats-server/find.ts';
import { issueCertificates } from './certificates.ts';
import { keepDataTokens } from './data-tokens.ts';
import { failStack } from './errors.ts';
import type { Redraw } from './growth.ts';
import { type EffectiveConfig, effectiveConfig } from './plan/effective-config.ts';
import { refuseHubLoss } from './plan/kept-hub.ts';
import { portNeeds } from './plan/port-needs.ts';
import { planProcesses, type StorePlan } from './plan/processes.ts';
import { type Founding, type StackVoter, stackVoters } from './plan/voters.ts';
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
import { writeStoreFiles } from './state/store-files.ts';

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
    if (storeServers) refuseHubLoss(config, layout);
    const leftovers = await endLeftovers(layout);
    if (leftovers > 0) options.reporter.leftoversEnded(leftovers, layout.directory);
    await claimPorts(portNeeds(config, natsServer !== undefined));
    const ring = keepKeyRing(layout);
    const seed = randomUUID();
    /** What is to run of a configuration, with the files that it reads written. */
    const draw = async (of: EffectiveConfig, founding?: Founding): Promise<Drawn> => {
      const voters = stackVoters(of.config, layout, founding);
      await writeFiles(of, layout, ring, voters);
      const dataTokens = keepDataTokens(of.config, layout, ring);
      const specs = planProcesses({
        config: of.config,
        layout,
        meridian: options.meridian,
        configDirectory: of.directory,
        voters: voters.map(({ site }) => site),
        store: natsServer === undefined ? undefined : storePlan(natsServer, layout, ring),
        seed,
        environment: options.environment,
        dataTokens,
      });
      const shape = { relocation, nodes, storeServers: of.storeServers };
      return { config: of.config, source: of.source, shape, specs };
    };
    rotateLogs(layout, config);
    let latest = effective;
    const redraw = async ({ founding, again }: Redraw) => {
      if (again) latest = await effectiveConfig(options.file, { relocation, nodes });
      return await draw(latest, founding);
    };
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
  voters: readonly StackVoter[],
): Promise<void> {
  replaceFile(layout.config, text);
  keepSecret(layout.token);
  await issueCertificates(config, layout, ring);
  if (storeServers) writeStoreFiles(config, layout, voters);
}

function storePlan(program: string, layout: StackLayout, ring: KeyRing): StorePlan {
  return { program, secret: keepSealedSecret(layout.storeSecret, ring) };
}
