const standardPorts = { http: 80, https: 443 } as const;

/** `host:port` as HTTP has it (RFC 9110 section 7.2): brackets for IPv6, no port where it is the standard one. */
export function authorityOf(host: string, port: number, scheme: 'http' | 'https'): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === standardPorts[scheme] ? name : `${name}:${port}`;
}

/** Where a metric is asked for, and for which path. The URL is a valid one. */
export function metricServer(url = 'http://localhost') {
  const { protocol, hostname, port, pathname } = new URL(url);
  const scheme = protocol === 'https:' ? 'https' : 'http';
  return {
    scheme,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? standardPorts[scheme] : Number(port),
    path: `${pathname.replace(/\/+$/, '')}/api/v1/query`,
  } as const;
}
