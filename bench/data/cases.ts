import type { Outcome } from '../http/case.ts';
import { compareRates, compareTimes, type DataAmount } from './compare.ts';
import { benchFarReads, benchLag, benchLinks } from './distance.ts';
import { type Side, sides } from './sides.ts';
import type { World } from './world.ts';

export const dataCaseNames = [
  'local-read',
  'strong-read',
  'sync-write',
  'async-write',
  'reads-32',
  'sync-writes-32',
  'async-writes-32',
  'lag',
  'far-read',
  'links',
] as const;
export type DataCaseName = (typeof dataCaseNames)[number];

export interface DataCase {
  readonly name: DataCaseName;
  run(amount: DataAmount, near: () => Promise<World>): Promise<readonly Outcome[]>;
}

const goals = { nats: { atMost: 1.5 } };

export const dataCases: readonly DataCase[] = [
  times('local-read', ['localRead', 'natsMirrorRead', 'redisRead'], goals),
  times('strong-read', ['strongRead', 'natsLeaderRead']),
  times('sync-write', ['syncWrite', 'natsHubWrite']),
  times('async-write', ['asyncWrite', 'natsLeafWrite', 'redisWrite']),
  rates('reads-32', ['localRead', 'natsMirrorRead', 'redisRead']),
  rates('sync-writes-32', ['syncWrite', 'natsHubWrite']),
  rates('async-writes-32', ['asyncWrite', 'natsLeafWrite', 'redisWrite']),
  { name: 'lag', run: benchLag },
  { name: 'far-read', run: benchFarReads },
  { name: 'links', run: benchLinks },
];

function times(
  name: DataCaseName,
  names: readonly [Side, ...Side[]],
  limits?: typeof goals,
): DataCase {
  return {
    name,
    async run(amount, near) {
      const compared = await sides(await near(), names, 1);
      try {
        return await compareTimes(compared.subjects, amount, limits);
      } finally {
        await compared.close();
      }
    },
  };
}

function rates(name: DataCaseName, names: readonly [Side, ...Side[]]): DataCase {
  return {
    name,
    async run(amount, near) {
      const compared = await sides(await near(), names, 32);
      try {
        return await compareRates(compared.subjects, amount);
      } finally {
        await compared.close();
      }
    },
  };
}
