import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/schema/config.ts';
import { hubVoters, type StoreSite, storeSites } from '../../store/nats-server/sites.ts';
import type { StackLayout } from '../state/layout.ts';
import { voterInstance } from '../state/voter-instance.ts';

/** A voter of a stack, and how it is to run. */
export interface StackVoter {
  readonly site: StoreSite;
  readonly instance: number;
  /** Lets no leaf in. */
  readonly closed: boolean;
}

/**
 * While one voter becomes three its buckets are saved and restored, and nobody may write:
 *
 *   alone, open ──close──▶ alone, closed ──begin──▶ three new ones, closed ──open──▶ three, open
 *        ▲                                                │
 *        └───────────────────── undo ─────────────────────┘
 *
 * Nothing of it is on disk before `open`: a stack that ends before has its one voter again.
 */
export type Founding = 'closed' | 'new';

/**
 * The voters that a stack runs: those that its configuration wants; but one whose data is of
 * a server that ran alone goes on alone, or its buckets would be missing in the cluster.
 */
export function stackVoters(
  config: Config,
  layout: StackLayout,
  founding?: Founding,
): readonly StackVoter[] {
  const alone = loneVoter(config, layout);
  const wanted = hubVoters(storeSites(config));
  const voters = alone && founding !== 'new' ? [alone] : wanted;
  return voters.map((site) => {
    const again = founding === 'new' && site.region === alone?.region ? 1 : 0;
    const instance = voterInstance(layout, site.region) + again;
    return { site, instance, closed: founding !== undefined };
  });
}

/** The voter whose data is of a server that ran without a cluster. */
export function loneVoter(config: Config, layout: StackLayout): StoreSite | undefined {
  return storeSites(config).find(({ region }) => {
    const data = join(voterFolder(layout, region, voterInstance(layout, region)), 'jetstream');
    return existsSync(join(data, 'MERIDIAN')) && !existsSync(join(data, 'SYS', '_js_'));
  });
}

/** Of a voter's data: each instance has its own. */
export function voterFolder(layout: StackLayout, region: string, instance: number): string {
  return join(layout.region(region).store, instance === 1 ? 'hub' : `hub-${instance}`);
}
