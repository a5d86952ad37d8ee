import { join } from 'node:path';
import { servesData } from '../../config/data-places.ts';
import type { Config } from '../../config/schema/config.ts';
import { type ServerKind, serverEnvironment } from '../../store/nats-server/config-text.ts';
import { hubVoters, type StoreSite, storeSites } from '../../store/nats-server/sites.ts';
import { formatIdentity, identify } from '../processes/identity.ts';
import { stackMark, supervisorMark } from '../processes/marked.ts';
import type { ProcessSpec } from '../processes/stack-process.ts';
import type { StackLayout } from '../state/layout.ts';
import { type StackNode, stackNodes } from './nodes.ts';

export interface PlanOptions {
  readonly config: Config;
  readonly layout: StackLayout;
  /** The program and first arguments that run `meridian`. */
  readonly meridian: readonly string[];
  /** The folder of the configuration file: services run there. */
  readonly configDirectory: string;
  /** Regions' voters of the hub; by default those that the configuration wants. */
  readonly voters?: readonly StoreSite[];
  /** What the store servers need; without it none are planned. */
  readonly store: StorePlan | undefined;
  /** The id of this `up`: the configuration that it brings is made a revision once. */
  readonly seed: string;
  readonly environment: NodeJS.ProcessEnv;
  /** What services show to the data API, where the stack made it, by their names. */
  readonly dataTokens?: ReadonlyMap<string, string>;
}

export interface StorePlan {
  readonly program: string;
  /** Password of clients, routes and leaves. */
  readonly secret: string;
}

/** In the environment of a store server, and in its configuration a reference to it. */
export const storeSecretVariable = 'MERIDIAN_STORE_PASSWORD';

/** Names of variables that hold a secret, or the place of one. */
const ofKeys = /^MERIDIAN_(SECRET_KEY|ADMIN_TOKEN)/;
const ofStore = /^MERIDIAN_STORE_/;

/**
 * Every process of the stack. Per region, in this order: its nodes, one process for each
 * endpoint of a service that the stack starts, its store servers.
 *
 * A secret is in the environment of those processes only that need it: not in that of
 * services, whatever the environment of the supervisor holds.
 */
export function planProcesses(options: PlanOptions): ProcessSpec[] {
  const environment = {
    ...without(options.environment, ofKeys),
    [stackMark]: options.layout.directory,
    [supervisorMark]: formatIdentity(identify(process.pid)!),
  };
  const forNodes = { ...options, environment };
  const forOthers = { ...options, environment: without(environment, ofStore) };
  const nodes = stackNodes(options.config);
  return Object.keys(options.config.regions).flatMap((region) => [
    ...nodes.filter((node) => node.region === region).map((node) => nodeSpec(node, forNodes)),
    ...serviceSpecs(region, forOthers),
    ...storeSpecs(region, forOthers),
  ]);
}

function without(environment: NodeJS.ProcessEnv, names: RegExp): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.test(name)));
}

function nodeSpec({ id, region, name }: StackNode, options: PlanOptions): ProcessSpec {
  const { layout, meridian, store, seed } = options;
  const { directory, log } = layout.region(region).node(name);
  const [command = process.execPath, ...args] = meridian;
  const run = ['run', '--region', region, ...(name === undefined ? [] : ['--node', name])];
  const places = ['--config', layout.config, '--state', directory, '--seed', seed];
  // Of a store that the stack does not run, the operator's own environment knows the secret.
  const environment = store ? without(options.environment, ofStore) : options.environment;
  return {
    id,
    kind: 'node',
    region,
    ...(name !== undefined && { node: name }),
    command,
    args: [...args, ...run, ...places],
    directory: layout.directory,
    environment: {
      ...environment,
      MERIDIAN_ADMIN_TOKEN_FILE: layout.token,
      MERIDIAN_SECRET_KEY_FILE: layout.secretKey,
      ...(store && { MERIDIAN_STORE_SECRET_FILE: layout.storeSecret }),
    },
    logPath: log,
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
          ...dataEnvironment(service, region, options),
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

/** Where the service finds the data of its region, and what it shows there. */
function dataEnvironment(
  service: string,
  region: string,
  { config, dataTokens }: PlanOptions,
): NodeJS.ProcessEnv {
  const node = stackNodes(config).find((one) => one.region === region);
  if (!node || !servesData(config, region)) return {};
  if (!Object.hasOwn(config.data.tokens, service)) return {};
  const token = dataTokens?.get(service);
  return {
    MERIDIAN_DATA_URL: `http://${node.bind}:${config.data.port}`,
    ...(token !== undefined && { MERIDIAN_DATA_TOKEN: token }),
  };
}

function storeSpecs(region: string, options: PlanOptions): ProcessSpec[] {
  const { config, layout, environment, store: plan } = options;
  if (!plan) return [];
  const sites = storeSites(config);
  const { voters = hubVoters(sites) } = options;
  const site = sites.find((one) => one.region === region)!;
  const isVoter = voters.some((voter) => voter.region === region);
  const kinds: ServerKind[] = isVoter ? ['hub', 'leaf'] : ['leaf'];
  const { store } = layout.region(region);
  return kinds.map((kind) => ({
    id: `${region}/store/${kind}`,
    kind,
    region,
    command: plan.program,
    args: ['--config', join(store, `${kind}.conf`)],
    directory: layout.directory,
    environment: {
      ...environment,
      ...serverEnvironment(kind, {
        site,
        voters,
        storeDirectory: join(store, kind),
        secret: plan.secret,
        secretVariable: storeSecretVariable,
      }),
    },
    logPath: join(store, `${kind}.log`),
  }));
}
