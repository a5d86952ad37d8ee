import { createDnsClient, type DnsClient } from '../client.ts';

/**
 * A client that waits a minute for its answer where no time is given: who answers it is of the
 * same thread, on a machine that may be busy.
 */
export function createPatientClient(...[address]: Parameters<typeof createDnsClient>): DnsClient {
  const client = createDnsClient(address);
  return {
    lookup: (question) => client.lookup({ timeoutMs: 60_000, ...question }),
    close: () => client.close(),
  };
}
