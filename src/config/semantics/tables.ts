import { networkOf, sameAddress } from './network-text.ts';
import type { Rule } from './rule.ts';

export const latencyNetworksDiffer: Rule = ({ latency }, report) => {
  const seen = new Map<string, number>();
  for (const [index, entry] of latency.entries()) {
    if (!entry) continue;
    const place = { path: ['latency', index, 'network'], at: 'value' } as const;
    const network = networkOf(entry.network);
    const first = seen.get(network);
    if (!sameAddress(network, entry.network)) {
      const message = `${entry.network} is an address within a network`;
      report({ ...place, message, suggestion: network });
    } else if (first !== undefined) {
      report({ ...place, message: `${network} is latency[${first}] already` });
    }
    seen.set(network, first ?? index);
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
