import { isIPv4 } from 'node:net';
import type { Config } from './schema/config.ts';

/** Checks that are allowed and likely a mistake, a sentence each. */
export function checkDoubts({ services }: Pick<Config, 'services'>): string[] {
  return Object.entries(services).flatMap(([name, { check, tls, protocol }]) => {
    if (check.disabled || check.type !== 'http') return [];
    if (tls) {
      return `the check of service ${name} is of type http, in clear, and requests go to it over TLS: \`https\` is likely meant`;
    }
    if (protocol !== 'http2') return [];
    return `the check of service ${name} is of type http, by HTTP/1.1, and requests go to it by HTTP/2: \`grpc\` or \`tcp\` is likely meant`;
  });
}

/** Buckets that nobody may use, and services that the default of `data.clients` cannot see. */
export function dataDoubts({ data, services }: Pick<Config, 'data' | 'services'>): string[] {
  const tokens = Object.values(data.tokens);
  const unused = Object.keys(data.buckets).filter((bucket) =>
    tokens.every(({ rights }) => !Object.hasOwn(rights, bucket)),
  );
  const doubts = unused.map((bucket) => `no token has rights on the data bucket ${bucket}`);
  if (Object.keys(data.buckets).length === 0) return doubts;
  const named = new Set<string>();
  for (const { endpoints } of Object.values(services)) {
    for (const [region, own] of Object.entries(endpoints)) {
      if (Object.hasOwn(data.clients, region)) continue;
      if (own.some(({ address }) => !isIPv4(hostOf(address)))) named.add(region);
    }
  }
  for (const region of named) {
    doubts.push(
      `endpoints in ${region} have names, and addresses alone may use the data API by default: give \`data.clients.${region}\``,
    );
  }
  return doubts;
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
}
