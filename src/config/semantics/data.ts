import type { Finding } from '../config-error.ts';
import { bucketRoomBytes, crowdedServers, gibText } from '../data-room.ts';
import type { Draft } from '../draft.ts';
import { hubRegions } from '../hub-regions.ts';
import type { DataBucketConfig } from '../schema/data.ts';
import { networkOf, sameAddress } from './network-text.ts';
import type { Rule } from './rule.ts';

type Report = (finding: Finding) => void;

/** Each is several streams of the store, and a follower in every node. */
const mostBuckets = 64;

/** Every copy that a bucket needs may be where the store would put it, and nowhere else. */
export const dataBucketsArePossible: Rule = (draft, report) => {
  const { buckets } = draft.data;
  if (buckets.size > mostBuckets) {
    const message = `${buckets.size} buckets; there can be ${mostBuckets}`;
    report({ path: ['data', 'buckets'], at: 'key', message });
  }
  for (const [name, bucket] of buckets) {
    if (!bucket) continue;
    checkResidency(['data', 'buckets', name, 'residency'], bucket, draft, report);
    checkEngine(['data', 'buckets', name], bucket, draft, report);
  }
};

function checkResidency(
  path: readonly string[],
  { consistency, residency }: DataBucketConfig,
  { regions, store }: Draft,
  report: Report,
): void {
  if (!residency) return;
  const voters = consistency === 'sync' && store?.engine === 'jetstream' ? hubRegions(regions) : [];
  for (const [index, name] of residency.entries()) {
    const place = { path: [...path, index], at: 'value' } as const;
    const kind = regions.get(name)?.kind;
    if (residency.indexOf(name) !== index) {
      report({ ...place, message: `${name} is given twice` });
    } else if (kind === 'edge' || (kind === 'witness' && !voters.includes(name))) {
      const message = `${name} is of kind ${kind}: no service runs there, and no copy is kept`;
      report({ ...place, message });
    }
  }
  const missing = voters.filter((name) => !residency.includes(name));
  if (missing.length === 0) return;
  const message = `a sync bucket is stored on every voter of the store, ${voters.join(', ')}; without ${missing.join(', ')} it must be async`;
  report({ path, at: 'key', message });
}

/** Memory is of one node: a second one would know nothing of what the first was told. */
function checkEngine(
  path: readonly string[],
  { residency }: DataBucketConfig,
  { regions, store }: Draft,
  report: Report,
): void {
  if (store?.engine !== 'memory') return;
  const serving = [...regions].filter(([, region]) => region?.kind === 'region');
  const own = serving.filter(([name]) => residency?.includes(name) ?? true);
  const nodes = own.flatMap(([, region]) => Object.keys(region?.nodes ?? { one: region }));
  if (nodes.length <= 1) return;
  const where = own.length > 1 ? `${own.length} regions` : `${nodes.length} nodes`;
  const message = `with \`store.engine: memory\` nothing is replicated, and this is for ${where}: expected \`jetstream\`, or one region with one node in \`residency\``;
  report({ path, at: 'key', message });
}

/** Of a stack's servers. Those of operators are made with as much room as the buckets need. */
export const dataBucketsHaveRoom: Rule = ({ data, regions, stack, store }, report) => {
  if (!stack || store?.engine !== 'jetstream' || store.servers) return;
  const told = new Set<string>();
  for (const { server, bytes, bucket } of crowdedServers(regions, data.buckets)) {
    if (told.has(bucket)) continue;
    told.add(bucket);
    const room = gibText(bucketRoomBytes);
    const message = `there is no room for it: the buckets on ${server} need ${gibText(bytes)}, and a server of the store has ${room} for them; expected less in \`maximumSize\`, of which an async bucket takes 1.3 times as much`;
    report({ path: ['data', 'buckets', bucket], at: 'key', message });
  }
};

export const dataClientsArePossible: Rule = ({ data, regions }, report) => {
  for (const [region, networks] of data.clients) {
    const path = ['data', 'clients', region];
    const kind = regions.get(region)?.kind;
    if (kind !== undefined && kind !== 'region') {
      report({ path, at: 'key', message: `${region} is of kind ${kind}: no service runs there` });
    }
    const seen = new Map<string, number>();
    for (const [index, text] of networks.entries()) {
      if (text === undefined) continue;
      const place = { path: [...path, index], at: 'value' } as const;
      const network = networkOf(text);
      const first = seen.get(network);
      if (!sameAddress(network, text)) {
        const message = `${text} is an address within a network`;
        report({ ...place, message, suggestion: network });
      } else if (first !== undefined) {
        report({ ...place, message: `${network} is [${first}] already` });
      }
      seen.set(network, first ?? index);
    }
  }
};

/** What the texts are is known to the nodes alone; that two places are one is seen here. */
export const dataTokensDiffer: Rule = ({ data, stack }, report) => {
  const holders = new Map<string, string>();
  for (const [name, token] of data.tokens) {
    if (!token) continue;
    const path = ['data', 'tokens', name];
    if (token.token === undefined) {
      if (!stack) report({ path, at: 'key', message: 'missing; expected `token`' });
      continue;
    }
    const holder = holders.get(token.token);
    holders.set(token.token, holder ?? name);
    if (holder === undefined) continue;
    const message = `is that of ${holder} already: nobody could tell the two apart`;
    report({ path: [...path, 'token'], at: 'value', message });
  }
};
