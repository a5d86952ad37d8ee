import { join } from 'node:path';
import type { Config } from '../../config/schema/config.ts';
import { hubVoters, storeSites } from '../../store/nats-server/sites.ts';
import { formatIdentity, identify } from '../processes/identity.ts';
import { stackMark, supervisorMark } from '../processes/marked.ts';
import type { ProcessSpec } from '../processes/stack-process.ts';
import type { StackLayout } from '../state/layout.ts';

export interface PlanOptions {
  readonly config: Config;
  readonly layout: StackLayout;
  /** The program and first arguments that run `meridian`. */
  readonly meridian: readonly string[];
  /** The folder of the configuration file: services run there. */
  readonly configDirectory: string;
  /** The program of the store servers; without it none are planned. */
  readonly natsServer: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * Every process of the stack. Per region, in this order: its node, one process for each
 * endpoint of a service that the stack starts, its store servers.
 */
export function planProcesses(options: PlanOptions): ProcessSpec[] {
  const environment = {
    ...options.environment,
    [stackMark]: options.layout.directory,
    [supervisorMark]: formatIdentity(identify(process.pid)!),
  };
  const marked = { ...options, environment };
  return Object.keys(options.config.regions).flatMap((region) => [
    nodeSpec(region, marked),
    ...serviceSpecs(region, marked),
    ...storeSpecs(region, marked),
  ]);
}

function nodeSpec(region: string, options: PlanOptions): ProcessSpec {
  const { layout, meridian, environment, natsServer } = options;
  const { directory, nodeLog } = layout.region(region);
  const [command = process.execPath, ...args] = meridian;
  const run = ['run', '--region', region, '--config', layout.config, '--state', directory];
  return {
    id: `${region}/node`,
    kind: 'node',
    region,
    command,
    args: [...args, ...run],
    directory: layout.directory,
    environment: {
      ...environment,
      MERIDIAN_ADMIN_TOKEN_FILE: layout.token,
      ...(natsServer !== undefined && { MERIDIAN_STORE_SECRET_FILE: layout.storeSecret }),
    },
    logPath: nodeLog,
  };
}

function serviceSpecs(region: string, options: PlanOptions): ProcessSpec[] {
  const { config, layout, configDirectory } = options;
  return Object.entries(config.stack?.services ?? {}).flatMap(([service, started]) => {
    const endpoints = config.services[service]?.endpoints[region] ?? [];
    return endpoints.map(({ address }, index): ProcessSpec => {
      const [program = 'node', ...args] = started.command;
      const name = index === 0 ? service : `${service}-${index + 1}`;
      const colon = address.lastIndexOf(':');
      return {
        id: `${region}/service/${name}`,
        kind: 'service',
        region,
        service,
        command: program === 'node' ? process.execPath : program,
        args,
        directory: configDirectory,
        environment: {
          ...options.environment,
          ...started.env,
          HOST: address.slice(0, colon),
          PORT: address.slice(colon + 1),
          REGION: region,
          SERVICE: service,
        },
        logPath: join(layout.region(region).services, `${name}.log`),
      };
    });
  });
}

function storeSpecs(region: string, options: PlanOptions): ProcessSpec[] {
  const { config, layout, natsServer, environment } = options;
  if (natsServer === undefined) return [];
  const isVoter = hubVoters(storeSites(config)).some((site) => site.region === region);
  const kinds: ('hub' | 'leaf')[] = isVoter ? ['hub', 'leaf'] : ['leaf'];
  const { store } = layout.region(region);
  return kinds.map((kind) => ({
    id: `${region}/store/${kind}`,
    kind,
    region,
    command: natsServer,
    args: ['--config', join(store, `${kind}.conf`)],
    directory: layout.directory,
    environment,
    logPath: join(store, `${kind}.log`),
  }));
}
