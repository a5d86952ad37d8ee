import type { Config } from '../config/schema/config.ts';
import { loadKeyRing } from '../secrets/key-ring.ts';
import { hubVoters, storeSites } from '../store/nats-server/sites.ts';
import { regionOf, voterOf } from '../store/voters/hub.ts';
import { askStack, type FoundStack } from './control/client.ts';
import { failStack } from './errors.ts';
import type { Outcome } from './fleet.ts';
import { effectiveFileFor } from './plan/effective-config.ts';
import { identify } from './processes/identity.ts';
import { readSealed } from './state/sealed-file.ts';

type FoundingPhase = 'close' | 'hold' | 'begin' | 'open' | 'undo';

/** Of a phase: servers that do not end by themselves are given 7 s. */
const phaseLimitMs = 60_000;

/** What is needed to change the hub of a running stack. */
export interface StackHub {
  /** The stack's configuration file as it is now: what the stack is to become. */
  readonly config: Config;
  /** Where its voters take clients: those that there may be by now. */
  readonly urls: readonly string[];
  readonly secret: string;
  /** Has the supervisor start a voter. */
  start(region: string, server: string): Promise<void>;
  /** Has it do a phase of making a hub of three from one voter, for this process. */
  found(action: FoundingPhase): Promise<void>;
  /** Whether its only voter runs alone, or did until that began. */
  isAlone(): Promise<boolean>;
  /** Has it end one that the hub took out. */
  end(server: string): Promise<void>;
}

/** @throws MeridianError `store_not_run`, where the stack runs no servers; as `effectiveFileFor` */
export async function openStackHub(stack: FoundStack): Promise<StackHub> {
  const { layout, record } = stack;
  if (!record.source || !record.shape?.storeServers) {
    return failStack('name_unknown', 'this stack runs no store servers');
  }
  const { config } = await effectiveFileFor(stack, record.source.file);
  const secret = readSealed(layout.storeSecret, loadKeyRing({ path: layout.secretKey })!)?.trim();
  if (!secret) return failStack('secret_key_missing', `${layout.storeSecret} cannot be read`);
  const urls = hubVoters(storeSites(config)).map(
    ({ address, ports }) => `nats://${address}:${ports.hub}`,
  );
  const start = async (region: string, server: string) => {
    const instance = voterOf(server)?.instance ?? 1;
    await askStack(stack, { operation: 'voter', action: 'start', region, instance });
  };
  const end = async (server: string) => {
    const region = regionOf(server);
    const wanted = hubVoters(storeSites(config)).some((site) => site.region === region);
    if (!wanted) await askStack(stack, { operation: 'voter', action: 'end', region, instance: 1 });
  };
  const found = async (action: FoundingPhase) => {
    const owner = identify(process.pid);
    await askStack(stack, { operation: 'founding', action, owner }, phaseLimitMs);
  };
  const isAlone = async () => {
    const request = { operation: 'founding', action: 'look' } as const;
    return (await askStack<Outcome>(stack, request)).unchanged.length > 0;
  };
  return { config, urls, secret, start, end, found, isAlone };
}
