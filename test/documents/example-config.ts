import { basename } from 'node:path';
import { parse } from 'yaml';
import type { ConfigInput } from '../../src/config/schema/config.ts';
import type { Block } from './markdown.ts';

const regions = {
  'eu-west-1': { address: '192.0.2.1', location: { latitude: 53.3, longitude: -6.3 } },
  'us-east-1': { address: '192.0.2.2', location: { latitude: 38.9, longitude: -77.4 } },
  'ap-southeast-1': { address: '192.0.2.3', location: { latitude: 1.35, longitude: 103.8 } },
};

/** What a zone file of an example holds here; that of a guide stands in it, and has a test of its own. */
const zoneText = '$TTL 1h\nns1 A 192.0.2.53\nns2 A 192.0.2.54\n';

/**
 * The configuration that an example shows. Zone files are there. One without `regions` is a part of a file: it gets
 * regions, and the services that it names get an endpoint where it gives them none.
 */
export function configOf({ text }: Pick<Block, 'text'>, endpoint = '10.0.0.9:8080'): ConfigInput {
  const written = withZoneFiles(parse(text) as ConfigInput);
  if (written.regions) return written;
  const routes = written.routes ?? [];
  const named = routes.flatMap(({ service, services = [] }) => [
    ...(service === undefined ? [] : [service]),
    ...services.map((one) => one.service),
  ]);
  const services: Record<string, object> = { ...written.services };
  for (const name of new Set([...named, ...Object.keys(services)])) {
    services[name] = { endpoints: { 'eu-west-1': [endpoint] }, ...services[name] };
  }
  return { ...written, regions, services } as ConfigInput;
}

function withZoneFiles({ zones, ...config }: ConfigInput): ConfigInput {
  if (!zones) return config;
  const filled = Object.entries(zones).map(([name, zone]) => {
    if (zone.file === undefined) return [name, zone];
    return [name, { ...zone, contents: { [basename(zone.file)]: zoneText } }];
  });
  return { ...config, zones: Object.fromEntries(filled) };
}
