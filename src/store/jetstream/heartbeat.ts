import { nuid } from '@nats-io/transport-node';
import { messageOf } from '../../base/errors.ts';
import { publish } from './api.ts';
import type { Link } from './link.ts';
import { sleep } from './sleep.ts';

const intervalMs = 1_000;
const jitter = 0.1;
const limitMs = 2_000;

/**
 * Writes a small value to the hub about once a second, by which the node knows whether a
 * majority confirms writes. A question to the hub would not do: a leader without a
 * majority goes on answering for about ten seconds.
 */
export async function keepHeartbeat(bucket: string, key: string, link: Link): Promise<void> {
  const { reachability } = link;
  while (!link.closing.aborted) {
    const sentAtMs = link.nowMs();
    try {
      await beat(bucket, key, link);
      reachability.confirmed(sentAtMs, link.nowMs());
    } catch (error) {
      if (!link.closing.aborted) reachability.failed(link.nowMs(), causeOf(error, link));
    }
    const pauseMs = intervalMs * (1 + jitter * (2 * Math.random() - 1));
    await sleep(reachability.reachable ? pauseMs : pauseMs / 2, link.closing);
  }
}

async function beat(bucket: string, key: string, link: Link): Promise<void> {
  const value = Buffer.from(new Date().toISOString());
  const write = { bucket, key, value, messageId: nuid.next() };
  const deadlineMs = performance.now() + limitMs;
  await link.attempt({ write: true, what: 'heartbeat', deadlineMs }, (connection, listenMs) =>
    publish(connection, write, listenMs),
  );
}

/** A heartbeat that its connection took along failed for the reason that the connection did. */
function causeOf(error: unknown, { connection }: Link): string {
  return (connection.current ? undefined : connection.lastError) ?? messageOf(error);
}
