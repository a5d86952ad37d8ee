import type { Schedule } from './schedule.ts';

/** Of the services that stay where they are: all regions have endpoints, few may serve. */
export const residencyOf = (regions: readonly string[]): readonly string[] =>
  regions.length > 2 ? ['a', 'b'] : ['a'];

/** Names in the zone, by what their record sets promise. */
export const names = {
  /** Never without an answer. */
  open: ['simple', 'weighted', 'failover', 'latency', 'multivalue', 'tree', 'gateways', 'fixed'],
  /** Never an answer that is known to be unhealthy. */
  closed: ['closed'],
  /** Never another region than those of `residencyOf`. */
  resident: ['resident', 'resident-closed', 'resident-tree'],
} as const;

export const zoneName = 'sim.test';
/** What `fixed` falls back to. */
export const fixedAddress = '127.98.0.1';
/** The share of vantages that keeps `check/some` healthy. */
export const someShare = 0.18;

/** What a schedule runs on, besides its regions and `rates`. */
export function deploymentOf({ regions: all, nodesPerRegion }: Schedule) {
  const regions = all.filter((region) => !region.startsWith('w'));
  const web = { type: 'http', host: '127.99.0.1', port: 9_100 };
  const endpoints = Object.fromEntries(
    regions.map((region) => [region, [`127.0.${all.indexOf(region) + 1}.1:9100`]]),
  );
  return {
    regions: all,
    nodesPerRegion,
    checks: {
      not: { type: 'inverted', of: 'both' },
      both: { type: 'calculated', of: ['web', 'some'], atLeast: 2 },
      web,
      some: { ...web, path: '/some', quorum: { up: someShare } },
    },
    services: { ledger: { endpoints, residency: residencyOf(regions) } },
    zones: { [zoneName]: { records: recordsOf(regions) } },
  };
}

function recordsOf(regions: readonly string[]) {
  const to = (more: object = {}) => regions.map((region) => ({ region, ...more }));
  const rates = { type: 'A', service: 'rates' };
  const ledger = { type: 'A', service: 'ledger' };
  const order = regions.map((region, at) => ({
    region,
    role: at === 0 ? 'primary' : 'secondary',
  }));
  const branches = ['failover', 'weighted'].map((alias) => ({ alias, evaluateTargetHealth: true }));
  return [
    { ...rates, name: 'simple', routing: 'simple', answers: to() },
    { ...rates, name: 'weighted', routing: 'weighted', answers: to({ weight: 1 }) },
    { ...rates, name: 'failover', routing: 'failover', answers: order.slice(0, 2) },
    { ...rates, name: 'latency', routing: 'latency', answers: to() },
    { ...rates, name: 'multivalue', routing: 'multivalue', answers: to() },
    { type: 'A', name: 'tree', routing: 'multivalue', answers: branches },
    { ...rates, name: 'gateways', routing: 'simple', evaluate: 'gateway', answers: to() },
    {
      ...{ ...rates, name: 'fixed', routing: 'simple', answers: to() },
      lastResort: { fixed: [fixedAddress] },
    },
    { ...rates, name: 'closed', routing: 'simple', lastResort: 'closed', answers: to() },
    { ...ledger, name: 'resident', routing: 'latency', answers: to() },
    {
      ...{ ...ledger, name: 'resident-closed', routing: 'weighted', lastResort: 'closed' },
      answers: to({ weight: 1 }),
    },
    {
      ...{ type: 'A', name: 'resident-tree', routing: 'multivalue' },
      answers: [{ alias: 'resident', evaluateTargetHealth: true }],
    },
  ];
}
