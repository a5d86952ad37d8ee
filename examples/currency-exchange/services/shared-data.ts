// In a project of your own: from 'meridian-gateway/data'.
import { type BucketClient, createDataClient } from '../../../src/data/client/public.ts';

/** The buckets of meridian.yaml, as the services share them over all regions. */
export interface SharedData {
  /** Tables of rates, of all regions: each writes what it saw. */
  readonly history: BucketClient;
  /** Conversions that were made, and the keys that clients gave them. */
  readonly ledger: BucketClient;
}

/** `undefined` where the environment names no data API: the services then do without. */
export function openSharedData(variables: NodeJS.ProcessEnv): SharedData | undefined {
  const { MERIDIAN_DATA_URL: url, MERIDIAN_DATA_TOKEN: token } = variables;
  if (!url || !token) return undefined;
  const client = createDataClient({ url, token });
  return { history: client.bucket('history'), ledger: client.bucket('ledger') };
}
