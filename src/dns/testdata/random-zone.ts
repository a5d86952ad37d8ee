/** Numbers in [0, 1) that follow from the seed (xorshift32): what fails can be had again. */
export function xorShift(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

type Random = () => number;

/** Few labels, so that names meet: cuts, wildcards and empty non-terminals at all depths. */
const labels = ['a', 'b', 'c', '*'];

export const randomZoneTypes = ['A', 'AAAA', 'NS', 'DS', 'CNAME', 'MX', 'TXT', 'SRV', 'SOA', 'CAA'];

export interface RandomZoneOptions {
  /** Some names have a DNAME, and nothing below it, as other servers ask of a zone. */
  readonly withDname: boolean;
}

/**
 * A zone file of some forty names: addresses, aliases (in chains, into wildcards and cuts, out of
 * the zone), delegations with and without glue, signed ones, wildcards, names below cuts.
 */
export function randomZone(
  zone: string,
  random: Random,
  { withDname }: RandomZoneOptions = { withDname: false },
): string {
  const lines = ['$TTL 60', '@ SOA ns dns 7 3600 900 604800 30', '@ NS ns', '@ NS ns.example.net.'];
  lines.push('ns A 192.0.2.53', '@ MX 10 a', '@ TXT "apex"');
  const taken = new Set(['@', 'ns']);
  const redirected = new Set<string>();
  for (let count = 0; count < 40; count++) {
    const name = randomName(random, 3);
    if (taken.has(name)) continue;
    taken.add(name);
    const isDname = withDname && name !== '*' && !name.startsWith('*.') && random() < 0.12;
    if (isDname) redirected.add(name.toLowerCase());
    lines.push(...(isDname ? [randomDname(name, random)] : randomSets(name, zone, random)));
  }
  const kept = lines.filter((line) => {
    const [, above] = /^[^ .]*\.([^ ]*) /.exec(line.toLowerCase()) ?? [];
    return above === undefined || !suffixesOf(above).some((suffix) => redirected.has(suffix));
  });
  return `${kept.join('\n')}\n`;
}

function suffixesOf(name: string): string[] {
  return name.split('.').map((_, at, labels) => labels.slice(at).join('.'));
}

function randomDname(name: string, random: Random): string {
  const data =
    random() < 0.3 ? ['h.example.org.', 'example.net.'] : [randomName(random, 2), '@', 'c'];
  const others = random() < 0.5 ? `\n${name} TXT "beside"` : '';
  return `${name} DNAME ${pick(data, random)}${others}`;
}

/** Of one label up to `depth`, now and then in capitals. */
export function randomName(random: Random, depth: number): string {
  const name = Array.from({ length: 1 + Math.floor(random() * depth) }, () => pick(labels, random));
  return name.join('.');
}

export function pick<T>(values: readonly T[], random: Random): T {
  return values[Math.floor(random() * values.length)]!;
}

function randomSets(name: string, zone: string, random: Random): string[] {
  const other = () =>
    pick([randomName(random, 3), 'ns', '@', `x.${zone}.`, 'h.example.org.'], random);
  const kind = random();
  if (kind < 0.2) return [`${name} CNAME ${other()}`];
  if (kind < 0.45 && !name.startsWith('*')) {
    const servers = [`${name} NS ${pick([`ns.${name}`, other()], random)}`];
    if (random() < 0.5) servers.push(`${name} NS ns2.example.net.`);
    if (random() < 0.7) servers.push(`ns.${name} A 192.0.2.${Math.floor(random() * 256)}`);
    if (random() < 0.4) servers.push(`${name} DS 1 13 2 ${'0a'.repeat(32)}`);
    return servers;
  }
  const sets: string[] = [];
  if (random() < 0.6) sets.push(`${name} A 192.0.2.${Math.floor(random() * 256)}`);
  if (random() < 0.3) sets.push(`${name} A 198.51.100.1`, `${name} AAAA 2001:db8::1`);
  if (random() < 0.3) sets.push(`${name} MX 5 ${other()}`);
  if (random() < 0.2) sets.push(`${name} SRV 0 5 443 ${other()}`);
  if (random() < 0.1) sets.push(`${name} HTTPS 1 . alpn=h2`, `${name} PTR ${other()}`);
  if (random() < 0.1) sets.push(`${name} TYPE731 \\# 1 ff`, `${name} CAA 0 issue "x"`);
  if (random() < 0.3 || sets.length === 0) sets.push(`${name} TXT "${name}"`);
  return sets;
}
