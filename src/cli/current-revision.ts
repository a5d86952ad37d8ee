import type { CurrentRevision, RevisionDocument } from '../admin/node-view.ts';
import { MeridianError } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import type { Head, RevisionInfo, RevisionRef } from '../revisions/revision.ts';
import type { AdminConnection } from './admin-connection.ts';

/** A configuration file as it would be applied. */
export interface Candidate {
  /** As written; in a stack moved and filled in as `up` does. */
  readonly document: unknown;
  readonly config: Config;
  /** Content hash. */
  readonly revision: string;
}

/** @throws ConfigError, also for zones that no name server could serve; as `effectiveFileFor` */
export async function readCandidate(admin: AdminConnection, file: string): Promise<Candidate> {
  const { checkZones } = await import('../dns/zone/check.ts');
  const candidate = await readAccepted(admin, file);
  await checkZones(candidate.config, file);
  return candidate;
}

async function readAccepted({ stack }: AdminConnection, file: string): Promise<Candidate> {
  if (stack) {
    const { effectiveFileFor } = await import('../stack/plan/effective-config.ts');
    return await effectiveFileFor(stack, file);
  }
  const { loadConfig } = await import('../config/load.ts');
  const { acceptDocument } = await import('../config/document.ts');
  const { input } = await loadConfig(file);
  const { document, config, revision } = acceptDocument(input, file);
  return { document, config, revision };
}

export async function readCurrent(admin: AdminConnection): Promise<CurrentRevision> {
  return (await admin.get('/config')) as CurrentRevision;
}

/** What regions run when no rollout is under way; what a node runs, where none was applied. */
export async function readDocument(
  admin: AdminConnection,
  info: RevisionRef | undefined,
): Promise<RevisionDocument> {
  const query = info ? `?sequence=${info.sequence}` : '';
  return (await admin.get(`/config/document${query}`)) as RevisionDocument;
}

export async function readHistory(
  admin: AdminConnection,
  limit: number,
): Promise<readonly RevisionInfo[]> {
  const answer = await admin.get(`/config/history?limit=${limit}`);
  return (answer as { revisions: RevisionInfo[] }).revisions;
}

/** What regions run, or are about to: after a rollout was rolled back, the one before. */
export function settledRevision(head: Head): RevisionInfo {
  const { current, previous, rollout } = head;
  return rollout?.state === 'rolledBack' && previous ? previous : current;
}

export function refOf({ sequence, hash }: RevisionRef): RevisionRef {
  return { sequence, hash };
}

/** Tells who changed what since a base, for a change that was refused. */
export async function explainConflict(
  admin: AdminConnection,
  base: RevisionRef | undefined,
  describe: (info: RevisionInfo) => string,
): Promise<MeridianError> {
  const since = await readHistory(admin, 20).catch(() => []);
  const newer = since.filter(({ sequence }) => sequence > (base?.sequence ?? 0)).reverse();
  const was = base ? `revision ${base.sequence}` : 'nothing was applied';
  const lines = newer.map((info) => `\n  ${describe(info)}`).join('');
  return new MeridianError(
    'revision_conflict',
    `the configuration was changed since ${was}; look at it, and plan again${lines}`,
    { details: { base: base ?? null, since: newer } },
  );
}
