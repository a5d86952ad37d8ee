import type { Setup, Subject } from '../setup.ts';
import type { Stage } from '../stage.ts';
import type { PeerName } from '../tools.ts';
import { startHaproxy } from './haproxy.ts';
import { startMeridian } from './meridian.ts';
import { startNginx } from './nginx.ts';

const starters = { nginx: startNginx, haproxy: startHaproxy } as const;

/** Meridian first, then its peers; one after the other, since they share a core. */
export async function startSubjects(
  stage: Stage,
  setup: Setup,
  peers: readonly PeerName[],
): Promise<Subject[]> {
  const subjects: Subject[] = [await startMeridian(stage, setup)];
  for (const peer of peers) subjects.push(await starters[peer](stage, setup));
  return subjects;
}
