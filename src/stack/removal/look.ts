import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { MeridianError } from '../../base/errors.ts';
import { Connection } from '../../store/jetstream/connection.ts';
import { consumeInOrder } from '../../store/jetstream/ordered-consumer.ts';
import { lastOf, prefixBytes } from '../../store/jetstream/regional/log-api.ts';
import { headField, logStream, logSubject } from '../../store/jetstream/regional/log-subjects.ts';
import { inboxPrefix } from '../../store/nats-server/rights.ts';
import type { FoundStack } from '../control/client.ts';
import type { StackLayout } from '../state/layout.ts';
import type { LeftBucket } from './left-data.ts';

const reachLimitMs = 4_000;
const callLimitMs = 4_000;
const readLimitMs = 60_000;
const positionSchema = z.object({ epoch: z.string(), sequence: z.int().nonnegative() });
const epochSchema = z.object({ epoch: z.string() });

/**
 * What a region that is to be removed has of the `async` buckets, and how much of that the
 * regions that stay have too: by the logs that lie on the disks, and by how far each says that
 * it has copied the region's log. Changes nothing.
 */
export async function lookAtLeft(
  { layout, record }: FoundStack,
  region: string,
  secret: string,
): Promise<readonly LeftBucket[]> {
  const names = logsOnDisk(layout, region);
  if (names.length === 0) return [];
  const leaves = new Map(
    Object.entries(record.shape?.storeServers ?? {}).map(([name, servers]) => [
      name,
      new Connection({
        ...{ servers, name: `removal-${process.pid}`, region: name, secret },
        onLost: () => undefined,
      }),
    ]),
  );
  try {
    const deadlineMs = performance.now() + reachLimitMs;
    const reached = new Map<string, NatsConnection>();
    await Promise.all(
      [...leaves].map(async ([name, leaf]) => {
        const connection = await leaf.connected(deadlineMs).catch(() => undefined);
        if (connection) reached.set(name, connection);
      }),
    );
    const stay = Object.keys(record.regions).filter((name) => name !== region);
    const buckets = names.map((name): Promise<LeftBucket> => {
      const holders = stay.filter((one) => logsOnDisk(layout, one).includes(name));
      return lookAtBucket(name, region, holders, reached);
    });
    return await Promise.all(buckets);
  } finally {
    await Promise.all([...leaves.values()].map((leaf) => leaf.close()));
  }
}

async function lookAtBucket(
  name: string,
  region: string,
  holders: readonly string[],
  reached: ReadonlyMap<string, NatsConnection>,
): Promise<LeftBucket> {
  const positions = new Map<string, z.output<typeof positionSchema>>();
  for (const holder of holders) {
    const connection = reached.get(holder);
    const at = connection && (await saidIn(connection, holder, name, `${region}.cursor`));
    if (at) positions.set(holder, positionSchema.safeParse(at).data ?? { epoch: '', sequence: 0 });
  }
  const own = reached.get(region);
  if (!own) {
    const most = Math.max(0, ...[...positions.values()].map(({ sequence }) => sequence));
    const behind = [...positions].map(([holder, at]) => [holder, most - at.sequence] as const);
    return { name, holders, uncopied: undefined, lacking: new Map(behind) };
  }
  const canary = await saidIn(own, region, name, `${region}.canary`);
  const epoch = epochSchema.safeParse(canary).data?.epoch;
  const copied = [...positions.values()].map((at) => (at.epoch === epoch ? at.sequence : 0));
  const from = copied.length === 0 ? 0 : Math.min(...copied);
  const entries = await entriesAfter(own, region, name, from);
  const answer = new Map([...reached].filter(([holder]) => holders.includes(holder)));
  return { name, holders, ...(await countMissing(entries, name, answer)) };
}

/** What the newest message of a subject says; `{}` where there is none. */
async function saidIn(
  connection: NatsConnection,
  region: string,
  name: string,
  subject: string,
): Promise<unknown> {
  const message = await lastOf(connection, { region, name }, subject, callLimitMs);
  return message ? JSON.parse(Buffer.from(message.value).toString()) : {};
}

/** The region's own entries after a sequence of its log, without their values. */
async function entriesAfter(
  connection: NatsConnection,
  region: string,
  name: string,
  sequence: number,
): Promise<ReadonlyMap<string, string>> {
  const entries = new Map<string, string>();
  const done = new AbortController();
  const stream = logStream(name);
  const skip = prefixBytes({ region, name });
  await consumeInOrder(connection, {
    stream,
    filter: logSubject(region, name, `${region}.k.>`),
    request: (consumer) => `$JS.API.CONSUMER.CREATE.${stream}.${consumer}`,
    afterSequence: sequence,
    headersOnly: true,
    inboxPrefix: inboxPrefix(region),
    signal: AbortSignal.any([done.signal, AbortSignal.timeout(readLimitMs)]),
    onMessage: ({ message }) => {
      entries.set(message.subject.slice(skip), message.headers?.get(headField) ?? '');
    },
    onCaughtUp: () => done.abort(),
  });
  if (done.signal.aborted) return entries;
  const why = `the log of bucket "${name}" in ${region} could not be read to its end`;
  throw new MeridianError('control_failed', why);
}

/** Entry by entry: who copied one may not have noted yet how far it is. */
async function countMissing(
  entries: ReadonlyMap<string, string>,
  name: string,
  holders: ReadonlyMap<string, NatsConnection>,
): Promise<Pick<LeftBucket, 'uncopied' | 'lacking'>> {
  let uncopied = 0;
  const lacking = new Map([...holders.keys()].map((holder) => [holder, 0]));
  for (const [subject, head] of entries) {
    const without: string[] = [];
    for (const [region, connection] of holders) {
      const copy = await lastOf(connection, { region, name }, subject, callLimitMs);
      if (copy === undefined || timeIn(copy.head) < timeIn(head)) without.push(region);
    }
    if (without.length === holders.size) uncopied++;
    else for (const holder of without) lacking.set(holder, lacking.get(holder)! + 1);
  }
  return { uncopied, lacking };
}

/** Of the write: of one region's to one key, the later one has the greater. */
function timeIn(head: string): string {
  return head.split(' ')[1]?.slice(0, 16) ?? '';
}

/** Names of `async` buckets whose log lies on the disk of a region's leaf. */
export function logsOnDisk(layout: StackLayout, region: string): string[] {
  const streams = join(layout.region(region).store, 'leaf', 'jetstream', 'MERIDIAN', 'streams');
  try {
    return readdirSync(streams)
      .filter((stream) => stream.startsWith('DATA_') && !stream.endsWith('_lost'))
      .map((stream) => stream.slice('DATA_'.length))
      .sort();
  } catch {
    return []; // No server ever ran there.
  }
}
