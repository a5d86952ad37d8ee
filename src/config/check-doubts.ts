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
