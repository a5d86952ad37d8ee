import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Authority, issueRegionIdentity } from '../../src/link/authority.ts';
import type { LinkIdentity } from '../../src/link/identity.ts';
import { hubName } from '../../src/store/nats-server/identities.ts';
import type { StoreSite } from '../../src/store/nats-server/sites.ts';

/** Of the servers of each region; all are given the voter's name. */
export async function issueIdentities(
  authority: Authority,
  sites: readonly StoreSite[],
): Promise<Map<string, LinkIdentity>> {
  const issue = async ({ region, address }: StoreSite) =>
    [
      region,
      await issueRegionIdentity(authority, region, { addresses: [address], names: [hubName] }),
    ] as const;
  return new Map(await Promise.all(sites.map(issue)));
}

/** As PEM files; gives their paths. */
export function writeIdentity(
  identity: LinkIdentity,
  directory: string,
): Record<'ca' | 'cert' | 'key', string> {
  const write = (name: 'ca' | 'cert' | 'key') => {
    const path = join(directory, `${name}.pem`);
    writeFileSync(path, identity[name]);
    return path;
  };
  return { ca: write('ca'), cert: write('cert'), key: write('key') };
}
