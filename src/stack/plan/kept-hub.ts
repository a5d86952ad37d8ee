import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/schema/config.ts';
import { hubVoters, storeSites } from '../../store/nats-server/sites.ts';
import { failStack } from '../errors.ts';
import type { StackLayout } from '../state/layout.ts';
import { voterInstance } from '../state/voter-instance.ts';
import { voterFolder } from './voters.ts';

/** The hub whose data lies in a state directory. */
export interface KeptHub {
  /** Regions whose voter ran without a cluster, and holds buckets. */
  readonly alone: readonly string[];
  /** Regions whose voters are of a cluster. */
  readonly clustered: readonly string[];
  /** Whether any of those holds buckets. */
  readonly holdsBuckets: boolean;
}

/** By the folders of voters, also those of regions that were taken out of the configuration. */
export function keptHub(layout: StackLayout): KeptHub {
  const regions = existsSync(layout.regions) ? readdirSync(layout.regions).sort() : [];
  const data = (region: string) =>
    join(voterFolder(layout, region, voterInstance(layout, region)), 'jetstream');
  const isClustered = (region: string) => existsSync(join(data(region), 'SYS', '_js_'));
  const hasBuckets = (region: string) => existsSync(join(data(region), 'MERIDIAN'));
  const clustered = regions.filter(isClustered);
  return {
    alone: regions.filter((region) => hasBuckets(region) && !isClustered(region)),
    clustered,
    holdsBuckets: clustered.some(hasBuckets),
  };
}

/**
 * Why the voters of a configuration could not go on with a hub, in one sentence; `undefined`:
 * they can. A cluster goes on with a majority of its voters, one that ran alone only as
 * itself: what would start in its place is an empty store. Pure.
 */
export function whyHubIsLost(
  { alone, clustered, holdsBuckets }: KeptHub,
  regions: readonly string[],
  voters: readonly string[],
): string | undefined {
  if (alone.length > 0) {
    if (alone.some((region) => regions.includes(region))) return undefined;
    return `its only voter is that of ${alone.join(', ')}, a region that the configuration does not have`;
  }
  const stay = clustered.filter((region) => voters.includes(region));
  if (!holdsBuckets || stay.length * 2 > clustered.length) return undefined;
  const has = stay.length === 0 ? 'none of them' : `${stay.join(', ')} alone`;
  return `its voters are those of ${clustered.join(', ')}, and with this configuration ${has} would run: no majority`;
}

const remedy =
  'Start it with the configuration that it ran with, and change the regions while it serves: ' +
  '`meridian apply`, then `meridian region add` and `meridian store grow`, or `meridian store remove` ' +
  'and `meridian region remove` (three voters do not become one). ' +
  'For a store that begins empty name another directory with --state DIR';

/** @throws MeridianError `hub_would_be_lost` */
export function refuseHubLoss(config: Config, layout: StackLayout): void {
  const sites = storeSites(config);
  const why = whyHubIsLost(
    keptHub(layout),
    sites.map(({ region }) => region),
    hubVoters(sites).map(({ region }) => region),
  );
  if (why === undefined) return;
  failStack('hub_would_be_lost', `${layout.directory} holds a store: ${why}. ${remedy}`);
}
