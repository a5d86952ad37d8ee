import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MeridianError } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import type { HubServers } from '../store/voters/hub-servers.ts';
import type { Step } from '../store/voters/next-step.ts';
import type { VoterOptions } from './store-voters.ts';

type Start = Extract<Step, { do: 'start' }>;

/** The hub of a stack, or of an operator's own servers. */
export interface HubAccess {
  readonly servers: HubServers;
  /** Regions that are to hold a voter. */
  readonly voters: readonly string[];
  /** How a person starts a voter, where nobody else does. */
  readonly startHint: ((step: Start) => string) | undefined;
  /** Has a voter started, or leaves it to a person. */
  start(step: Start): Promise<void>;
  /** Ends the process of a voter that was taken out, where it is ours. */
  ended(server: string): Promise<void>;
  close(): Promise<void>;
}

export function accessHub(options: VoterOptions): Promise<HubAccess> {
  return options.config === undefined
    ? hubOfStack(options)
    : hubOfOperator(options.config, options);
}

async function hubOfOperator(file: string, options: VoterOptions): Promise<HubAccess> {
  const { loadConfig } = await import('../config/load.ts');
  const { operatorVoters } = await import('../store/nats-server/operator-files.ts');
  const { HubServers } = await import('../store/voters/hub-servers.ts');
  const { config } = await loadConfig(file);
  const places = { hosts: options.host, ports: options.port };
  const tls = {
    system: identityIn(options.systemDir),
    operator: identityIn(options.operatorDir),
  };
  const servers = new HubServers({ voters: operatorVoters(config, places), tls });
  return {
    servers,
    voters: await wantedVoters(config),
    startHint: ({ region, server }) => {
      const instance = /_(\d+)$/.exec(server)?.[1];
      const again = instance === undefined ? '' : ` --instance ${instance}`;
      return `meridian store config ${file} --region ${region} --voter${again}   and start it there`;
    },
    start: () => Promise.resolve(),
    ended: () => Promise.resolve(),
    close: () => servers.close(),
  };
}

async function hubOfStack({ state }: VoterOptions): Promise<HubAccess> {
  const { findRunningStack } = await import('../stack/control/client.ts');
  const { openStackHub } = await import('../stack/stack-hub.ts');
  const { HubServers } = await import('../store/voters/hub-servers.ts');
  const { config, urls, secret, start, end } = await openStackHub(findRunningStack(state));
  const servers = new HubServers({ voters: urls.map((url) => ({ url })), secret });
  return {
    servers,
    voters: await wantedVoters(config),
    startHint: undefined,
    start: ({ region, server }) => start(region, server),
    ended: end,
    close: () => servers.close(),
  };
}

async function wantedVoters(config: Config): Promise<readonly string[]> {
  const { hubVoters, storeSites } = await import('../store/nats-server/sites.ts');
  return hubVoters(storeSites(config)).map(({ region }) => region);
}

/** @throws {MeridianError} `identity_missing` */
function identityIn(directory: string): { ca: string; cert: string; key: string } {
  const read = (name: string) => {
    try {
      return readFileSync(join(directory, name), 'utf8');
    } catch (cause) {
      throw new MeridianError(
        'identity_missing',
        `cannot read ${join(directory, name)}: a certificate is needed there`,
        { cause },
      );
    }
  };
  return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
}
