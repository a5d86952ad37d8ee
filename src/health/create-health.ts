import type { LinkIdentity } from '../link/identity.ts';
import { createLinkSender } from '../link/sender.ts';
import { Health, type HealthOptions } from './health.ts';
import { createProbe } from './probe.ts';

export interface CreateHealthOptions
  extends Omit<HealthOptions, 'random' | 'probe' | 'openSender'> {
  /** Of the own region; without one nothing is sent to other regions. */
  readonly identity: LinkIdentity | undefined;
}

/** Health over real sockets: probes and pushed verdicts begin with its `start()`. */
export function createHealth(options: CreateHealthOptions): Health {
  const { identity, clock } = options;
  return new Health({
    ...options,
    random: Math.random,
    probe: createProbe(clock),
    openSender: (peer) =>
      identity
        ? createLinkSender({ ...peer, identity, clock })
        : { send: () => undefined, close: () => undefined },
  });
}
