import { valueAt } from '../field-path.ts';
import { networkOf, sameAddress } from './network-text.ts';
import type { Rule } from './rule.ts';

export const latencyNetworksDiffer: Rule = ({ input, latency }, report) => {
  const seen = new Map<string, number>();
  const base = Array.isArray(valueAt(input, ['latency'])) ? ['latency'] : ['latency', 'table'];
  for (const [index, entry] of latency.table.entries()) {
    if (!entry) continue;
    const place = { path: [...base, index, 'network'], at: 'value' } as const;
    const network = networkOf(entry.network);
    const first = seen.get(network);
    if (!sameAddress(network, entry.network)) {
      const message = `${entry.network} is an address within a network`;
      report({ ...place, message, suggestion: network });
    } else if (first !== undefined) {
      report({ ...place, message: `${network} is ${base.join('.')}[${first}] already` });
    }
    seen.set(network, first ?? index);
  }
};

export const beaconMeasuresRegions: Rule = ({ latency: { beacon }, regions }, report) => {
  if (!beacon) return;
  const path = ['latency', 'beacon', 'regions'];
  const named = Object.keys(beacon.regions);
  if (named.length < 2) {
    report({
      path,
      at: 'key',
      message: 'expected two regions or more: there is nothing to compare',
    });
  }
  for (const name of named) {
    if (regions.get(name)?.kind !== 'witness') continue;
    report({ path: [...path, name], at: 'key', message: `the witness ${name} serves no clients` });
  }
};

export const storeServersAreComplete: Rule = ({ store, regions }, report) => {
  if (store?.engine !== 'jetstream' || !store.servers) return;
  for (const name of regions.keys()) {
    if (Object.hasOwn(store.servers, name)) continue;
    const message = `names no server for region ${name}`;
    report({ path: ['store', 'servers'], at: 'key', message });
  }
  for (const [region, urls] of Object.entries(store.servers)) {
    for (const [index, url] of urls.entries()) {
      if (isServerUrl(url)) continue;
      // The text may hold a password, so it is not repeated.
      const message = 'expected the URL of a server, such as "nats://127.0.0.1:4222"';
      report({ path: ['store', 'servers', region, index], at: 'value', message });
    }
  }
};

function isServerUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^(nats|tls|ws|wss):$/.test(url.protocol) && url.hostname !== '';
}
