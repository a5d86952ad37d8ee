import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/schema/config.ts';
import { hubConfigText, leafConfigText } from '../../store/nats-server/config-text.ts';
import { storeSites } from '../../store/nats-server/sites.ts';
import { storeSecretVariable } from '../plan/processes.ts';
import { type StackVoter, voterFolder } from '../plan/voters.ts';
import type { StackLayout } from './layout.ts';
import { replaceFile } from './private-file.ts';

/** Of the store servers. They hold no password: that is in the servers' environment. */
export function writeStoreFiles(
  config: Config,
  layout: StackLayout,
  stackVoters: readonly StackVoter[],
): void {
  const voters = stackVoters.map(({ site }) => site);
  for (const site of storeSites(config)) {
    const { store } = layout.region(site.region);
    mkdirSync(store, { recursive: true, mode: 0o700 });
    const common = { site, voters, secretVariable: storeSecretVariable };
    const leaf = leafConfigText({ ...common, storeDirectory: join(store, 'leaf') });
    replaceFile(join(store, 'leaf.conf'), leaf);
    const voter = stackVoters.find((one) => one.site.region === site.region);
    if (!voter) continue;
    const { instance, closed } = voter;
    const storeDirectory = voterFolder(layout, site.region, instance);
    const text = hubConfigText({ ...common, storeDirectory, instance, closed });
    replaceFile(join(store, 'hub.conf'), text);
  }
}
