import { createLinkSender } from '../link/sender.ts';
import { Health, type HealthOptions } from './health.ts';
import { createProbe } from './probes/create-probe.ts';

export type CreateHealthOptions = Omit<HealthOptions, 'random' | 'probe' | 'openSender'>;

/**
 * Health over real sockets: probes and pushed verdicts begin with its `start()`. Without an
 * identity nothing is sent to other nodes.
 */
export function createHealth(options: CreateHealthOptions): Health {
  const { clock } = options;
  return new Health({
    ...options,
    random: Math.random,
    probe: createProbe(clock),
    openSender: (peer, identity) =>
      identity ? createLinkSender({ ...peer, identity, clock }) : nowhere,
  });
}

const nowhere = {
  send: () => undefined,
  status: () => ({ connected: false, lastError: undefined }),
  close: () => undefined,
};
