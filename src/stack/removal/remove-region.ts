import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { regionOf } from '../../store/voters/hub.ts';
import { HubServers } from '../../store/voters/hub-servers.ts';
import { askStack, type FoundStack } from '../control/client.ts';
import type { ControlProgress } from '../control/protocol.ts';
import { failStack } from '../errors.ts';
import type { Outcome } from '../fleet.ts';
import type { ProcessStatus } from '../operations.ts';
import { openStackHub, type StackHub } from '../stack-hub.ts';
import type { StackLayout } from '../state/layout.ts';
import { checkRemoval, type RemovalWishes, remarksOn } from './left-data.ts';
import { lookAtLeft } from './look.ts';

export interface RemovedRegion extends Outcome {
  /** What stays behind of the services' data, a sentence each. */
  readonly remarks: readonly string[];
  /** Where the data of its store servers lies; `undefined`: it was deleted, or never was. */
  readonly data: string | undefined;
}

/**
 * Ends a region that the configuration has no more. Its nodes leave first, so that nothing is
 * written there when it is looked at what only it has.
 *
 * @throws MeridianError `region_wanted`, `region_in_hub`; as `checkRemoval`: then its nodes are
 *   stopped and nothing else is.
 */
export async function removeRegion(
  stack: FoundStack,
  region: string,
  wishes: RemovalWishes,
  onProgress: (progress: ControlProgress['progress']) => void,
): Promise<RemovedRegion> {
  const remarks: string[] = [];
  if (stack.record.shape?.storeServers && stack.record.regions[region]) {
    const hub = await openStackHub(stack);
    if (Object.hasOwn(hub.config.regions, region)) {
      failStack('region_wanted', `the configuration still has region "${region}"`);
    }
    await refuseVoter(hub, region);
    await stopNodes(stack, region, onProgress);
    const left = await lookAtLeft(stack, region, hub.secret);
    checkRemoval(region, left, wishes);
    remarks.push(...remarksOn(region, left));
  }
  const request = { operation: 'region', action: 'remove', region } as const;
  const outcome = await askStack<Outcome>(stack, request, undefined, onProgress);
  const folders = dataFolders(stack.layout, region);
  if (wishes.deleteData) {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
  const stays = folders.length > 0 && !wishes.deleteData;
  return { ...outcome, remarks, data: stays ? stack.layout.region(region).store : undefined };
}

async function stopNodes(
  stack: FoundStack,
  region: string,
  onProgress: (progress: ControlProgress['progress']) => void,
): Promise<void> {
  const processes = await askStack<ProcessStatus[]>(stack, { operation: 'status' });
  const isNode = (one: ProcessStatus) => one.kind === 'node' && one.region === region;
  if (!processes.some((one) => isNode(one) && one.state === 'running')) return;
  await askStack(stack, { operation: 'node', action: 'stop', region }, undefined, onProgress);
}

/** @throws MeridianError `region_in_hub`: its loss would count against a majority. */
async function refuseVoter({ urls, secret }: StackHub, region: string): Promise<void> {
  const servers = new HubServers({ voters: urls.map((url) => ({ url })), secret });
  try {
    const { members, clustered } = await servers.look();
    const member = members.find(({ server }) => regionOf(server) === region);
    if (!member || !clustered) return;
    failStack(
      'region_in_hub',
      `${member.server} is a voter of the store: "meridian store remove" takes it out first`,
    );
  } finally {
    await servers.close();
  }
}

/** Of its leaf, and of voters that it ever held. */
function dataFolders(layout: StackLayout, region: string): string[] {
  const { store } = layout.region(region);
  try {
    return readdirSync(store)
      .filter((name) => /^(leaf|hub(-\d+)?)$/.test(name))
      .map((name) => join(store, name));
  } catch {
    return [];
  }
}
