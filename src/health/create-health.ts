import { createLinkSender } from '../link/sender.ts';
import { Health, type HealthOptions } from './health.ts';
import { createProbe } from './probes/create-probe.ts';
import type { Traffic } from './probes/own-counters.ts';

export interface CreateHealthOptions
  extends Omit<HealthOptions, 'random' | 'probe' | 'openSender'> {
  /** What the gateway of this node has answered, for checks of our own counters. */
  readonly traffic?: (() => Traffic | undefined) | undefined;
}

/**
 * Health over real sockets: probes and pushed verdicts begin with its `start()`. Without an
 * identity nothing is sent to other nodes.
 */
export function createHealth(options: CreateHealthOptions): Health {
  const { clock } = options;
  return new Health({
    ...options,
    random: Math.random,
    probe: createProbe(clock, options.traffic),
    openSender: (peer, identity) =>
      identity ? createLinkSender({ ...peer, identity, clock }) : nowhere,
  });
}

const nowhere = {
  send: () => undefined,
  status: () => ({ connected: false, lastError: undefined }),
  close: () => undefined,
};
