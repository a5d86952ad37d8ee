import { connect, type NatsConnection } from '@nats-io/transport-node';
import { callApi, hubApi } from '../../src/store/jetstream/api.ts';
import { storeUser } from '../../src/store/nats-server/secret.ts';
import type { NatsCluster } from '../support/nats-cluster.ts';
import type { RegionClients } from './processes.ts';

/** What faults are done to. */
export interface Victims {
  readonly cluster: NatsCluster;
  readonly nodes: readonly RegionClients[];
  /** Whether servers have disks that can be filled and lose their power. */
  readonly disks: boolean;
}

const askedMs = 300;

/** The region whose voter says that it leads the stream of the histories. */
export async function leaderOf({ cluster, nodes }: Victims): Promise<string | undefined> {
  for (const { region } of nodes) {
    let connection: NatsConnection | undefined;
    try {
      const { servers, secret } = cluster.storeOptions(region);
      connection = await connect({
        servers: [new URL(servers[0]!).host],
        inboxPrefix: `_INBOX.${region}`,
        user: storeUser,
        pass: secret!,
        reconnect: false,
        timeout: askedMs,
      });
      const subject = `${hubApi}.STREAM.INFO.KV_history_data`;
      const info = await callApi<{ cluster?: { leader?: string } }>(
        connection,
        subject,
        {},
        askedMs,
      );
      const leader = nodes.find((one) => info.cluster?.leader === `hub-${one.region}`);
      if (leader) return leader.region;
    } catch {
      // Another region is asked.
    } finally {
      void connection?.close();
    }
  }
  return undefined;
}
