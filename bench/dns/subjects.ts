import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConfigInput } from '../../src/config/schema/config.ts';
import { lookup } from '../../src/dns/client.ts';
import { formatZoneKeys, ZoneKey } from '../../src/dns/dnssec/zone-key.ts';
import type { Program } from '../http/program.ts';
import { freePorts, type Stage } from '../http/stage.ts';
import { findDnsTool } from './tools.ts';
import { masterFile, networkAnswers, places, staticRecords, zoneName } from './zone.ts';

/** A name server under test that answers. */
export interface NameServer {
  readonly name: string;
  readonly program: Program;
  readonly port: number;
  /** What it does for a query. */
  readonly on: readonly string[];
}

const command = fileURLToPath(new URL('../../bin/meridian.js', import.meta.url));

/** What one of our own serves; default: the names that all serve. */
export interface OwnZone {
  readonly signed?: boolean;
  /** From a zone file of so many. */
  readonly names?: number;
  /** A name that is answered by so many networks. */
  readonly networks?: number;
}

/** The real command with one DNS thread. */
export async function startMeridianDns(
  stage: Stage,
  name: string,
  { signed = false, names, networks }: OwnZone = {},
): Promise<NameServer> {
  const [http, https, dns, admin, link] = (await freePorts(5)) as [number, ...number[]];
  const keys =
    signed && stage.write(`${name}-keys`, formatZoneKeys([ZoneKey.generate('csk', 'active')]));
  const config: ConfigInput = {
    regions: Object.fromEntries(
      places.map(({ region, latitude, longitude }, at) => [
        region,
        { address: `127.0.0.${1 + at}`, location: { latitude, longitude } },
      ]),
    ),
    ports: { http, https: https!, dns: dns!, admin: admin!, link: link! },
    threads: { gateway: 1, dns: 1 },
    zones: {
      [zoneName]: {
        ...(keys && { dnssec: { keys } }),
        ...(names && { file: basename(stage.write(`${name}.zone`, masterFile(names))) }),
        records: [
          ...(names ? [] : staticRecords()),
          {
            name: 'steered',
            type: 'A',
            ttl: '60s',
            routing: 'latency',
            evaluate: 'none',
            answers: places.map(({ region, address }) => ({ region, values: [address] })),
          },
          ...(networks ? [networkRecord(networks)] : []),
        ],
      },
    },
  };
  const configPath = stage.write(`${name}.json`, JSON.stringify(config));
  const state = join(stage.directory, `${name}-state`);
  const run = ['run', '--region', 'eu', '--config', configPath, '--state', state];
  const program = stage.startSubject(name, [process.execPath, command, ...run]);
  const on = [
    'cookies',
    'metrics by type and outcome',
    ...(signed ? ['DNSSEC'] : []),
    ...(names ? [`${names} names`] : []),
    ...(networks ? [`${networks} networks`] : []),
  ];
  return answering({ name, program, port: dns!, on });
}

function networkRecord(networks: number) {
  return {
    name: 'networks',
    type: 'A' as const,
    routing: 'cidr' as const,
    evaluate: 'none' as const,
    answers: networkAnswers(networks),
  };
}

export async function startGdnsd(stage: Stage): Promise<NameServer> {
  const [port] = (await freePorts(1)) as [number];
  const folder = join(stage.directory, 'gdnsd');
  for (const part of ['zones', 'run', 'state', 'geoip'])
    mkdirSync(join(folder, part), { recursive: true });
  stage.write(`gdnsd/zones/${zoneName}`, masterFile());
  stage.write(
    'gdnsd/config',
    `options => { listen => [127.0.0.1:${port}], run_dir => ${folder}/run, state_dir => ${folder}/state,
  udp_threads => 1, tcp_threads => 1 }\n`,
  );
  const program = stage.startSubject('gdnsd', [findDnsTool('gdnsd')!, '-c', folder, 'start']);
  return answering({ name: 'gdnsd', program, port, on: ['1 UDP thread'] });
}

export async function startKnot(stage: Stage): Promise<NameServer> {
  const [port] = (await freePorts(1)) as [number];
  const folder = join(stage.directory, 'knot');
  mkdirSync(folder);
  stage.write(`knot/${zoneName}.zone`, masterFile());
  const networks = places.map(({ network, address }) => `  - net: ${network}\n    A: ${address}\n`);
  stage.write('knot/geo.conf', `steered.${zoneName}:\n${networks.join('')}`);
  const text = `server:
    listen: 127.0.0.1@${port}
    rundir: ${folder}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    edns-client-subnet: on
database:
    storage: ${folder}
log:
  - target: stderr
    any: error
mod-geoip:
  - id: geo
    config-file: ${folder}/geo.conf
    ttl: 60
    mode: subnet
zone:
  - domain: ${zoneName}
    storage: ${folder}
    file: ${zoneName}.zone
    module: mod-geoip/geo
`;
  const path = stage.write('knot/knot.conf', text);
  const program = stage.startSubject('knot', [findDnsTool('knot')!, '-c', path]);
  return answering({ name: 'knot', program, port, on: ['1 UDP worker', 'geoip by subnet'] });
}

async function answering(server: NameServer): Promise<NameServer> {
  await server.program.until('answering', async () => {
    const asked = { name: `host-1.${zoneName}`, type: 'A', server: '127.0.0.1', port: server.port };
    const answer = await lookup({ ...asked, timeoutMs: 500 }).catch(() => undefined);
    return answer !== undefined && answer.answers.length > 0;
  });
  return server;
}
