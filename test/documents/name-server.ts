import { basename } from 'node:path';
import { parseConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema/config.ts';
import { compileTopology } from '../../src/config/topology.ts';
import { type DnsExplanation, explainDns } from '../../src/dns/explain.ts';
import { compileDnsData, type DnsDataOptions } from '../../src/dns/server/data.ts';
import { HealthTable, healthy, unhealthy } from '../../src/health/table.ts';
import { createLocator, type Locator } from '../../src/steering/geo/locator.ts';
import { configOf } from './example-config.ts';
import { type Block, blocksOf } from './markdown.ts';

/** What is unhealthy: regions, checks, and services as `SERVICE in REGION`. */
export type Down = readonly string[];

export type Explain = (name: string, type: string, client?: string, down?: Down) => DnsExplanation;

/** The country data that an installation has. */
export const guideLocator: Locator = await createLocator(undefined);

/**
 * A block of the guide with the zone files that stand in it too: blocks of the language `zone`,
 * whose first line is `; ` and the name of the file.
 */
export function zoneConfigOf(page: string, block: Block): Config {
  const written = configOf(block);
  const files = new Map(
    blocksOf(page, 'zone').map(({ text }) => [text.slice(2, text.indexOf('\n')), text]),
  );
  const zones = Object.entries(written.zones ?? {}).map(([name, zone]) => {
    if (zone.file === undefined) return [name, zone];
    const text = files.get(zone.file);
    if (text === undefined) throw new Error(`${block.place}: there is no ${zone.file}`);
    return [name, { ...zone, contents: { [basename(zone.file)]: text } }];
  });
  return parseConfig(JSON.stringify({ ...written, zones: Object.fromEntries(zones) }), block.place)
    .config;
}

/** What is known of where clients are; else the country data, and nothing that is measured. */
export type Place = Partial<Pick<DnsDataOptions, 'locator' | 'measured' | 'reported'>>;

/** The first region's name server, with everything healthy but what is `down`. */
export function explainerOf(config: Config, place: Place = {}): Explain {
  const topology = compileTopology(config);
  const states = new HealthTable(topology);
  const [first] = topology.regions;
  const region = first!.name;
  const at = { config, topology, region, states, locator: guideLocator, serial: 1, ...place };
  const data = compileDnsData(at);
  return (name, type, client = '0.0.0.0/0', down = []) => {
    const stateOf = (subject: string) => (down.includes(subject) ? unhealthy : healthy);
    for (const { index, name: region } of topology.regions) {
      states.setGateway(index, stateOf(region));
      for (const service of topology.services) {
        states.setService(service.index, index, stateOf(`${service.name} in ${region}`));
      }
    }
    for (const { index, name: check } of topology.checks) states.setCheck(index, stateOf(check));
    return explainDns({ ...at, data }, name, type, client);
  };
}

/** Data of an answer, or why there is none; as a table of a guide says it. */
export function answerOf({ rcode, outcome, answers }: DnsExplanation): string {
  if (outcome === 'referral') return 'referral';
  if (answers.length > 0) return answers.map(({ data }) => data).join(', ');
  return rcode === 'NOERROR' ? 'NOERROR, nothing' : rcode;
}
