/** What all name servers of the bench serve. */
export const zoneName = 'bench.test';
export const staticNames = 1_000;

/** The addresses that a steered name has, by where the client is. */
export const places = [
  { region: 'eu', network: '81.2.0.0/16', address: '192.0.2.1', latitude: 53, longitude: -6 },
  { region: 'us', network: '8.8.0.0/16', address: '192.0.2.2', latitude: 39, longitude: -77 },
] as const;

/** A master file with names that are the same for everybody. */
export function masterFile(count: number = staticNames): string {
  const names = Array.from({ length: count }, (_, at) => `host-${at} 60 IN A ${address(at)}`);
  return `$ORIGIN ${zoneName}.
@ 3600 IN SOA ns1 hostmaster 1 3600 300 604800 60
@ 3600 IN NS ns1
ns1 3600 IN A 127.0.0.1
${names.join('\n')}
`;
}

/** The same as record sets of a configuration. */
export function staticRecords() {
  return Array.from({ length: staticNames }, (_, at) => ({
    name: `host-${at}`,
    type: 'A' as const,
    ttl: '60s',
    values: [address(at)],
  }));
}

function address(at: number): string {
  return `192.0.2.${(at % 254) + 1}`;
}

/** Networks that do not become one: neighbours are of different places. */
export function networkAt(at: number): string {
  return `10.${at >> 8}.${at & 0xff}.0/24`;
}

/** Answers by network: so many for the two places in turn, and one for the rest. */
export function networkAnswers(count: number) {
  const networks = Array.from({ length: count }, (_, at) => networkAt(at));
  const answers = places.map(({ address }, place) => ({
    values: [address],
    networks: networks.filter((_, at) => at % places.length === place),
  }));
  return [...answers, { values: ['192.0.2.3'], default: true as const }];
}

export type QueryKind = 'static' | 'geo' | 'miss' | 'networks';

/** Queries of a load, one a line, as dnsperf reads them; the order jumps about. */
export function queriesFor(kind: QueryKind, count: number = staticNames): string {
  const stride = 389;
  const names = Array.from({ length: count }, (_, at) => {
    const jumped = (at * stride) % count;
    if (kind === 'networks') return `networks.${zoneName}`;
    if (kind === 'static') return `host-${jumped}.${zoneName}`;
    return kind === 'geo' ? `steered.${zoneName}` : `missing-${jumped}.${zoneName}`;
  });
  return `${names.map((name) => `${name} A`).join('\n')}\n`;
}

/** The option of EDNS that tells the client's network (RFC 7871), as dnsperf takes it. */
export function subnetOption(network: string): string {
  const [address = '', bits = '0'] = network.split('/');
  const octets = address.split('.').slice(0, Math.ceil(Number(bits) / 8));
  const hex = (value: number) => value.toString(16).padStart(2, '0');
  return `8:0001${hex(Number(bits))}00${octets.map((octet) => hex(Number(octet))).join('')}`;
}
