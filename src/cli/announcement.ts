import { join } from 'node:path';
import { servesData } from '../config/data-places.ts';
import { namesCertificates } from '../config/listeners.ts';
import type { Config } from '../config/schema/config.ts';
import { stackNodes } from '../stack/plan/nodes.ts';
import type { ReadyFacts } from '../stack/reporter.ts';
import { shellQuoted } from './command-name.ts';
import { counted, styled, table } from './output.ts';
import { type SampleRequest, sampleClients, sampleName, sampleRequest } from './samples.ts';

export interface AnnouncementFacts extends Omit<ReadyFacts, 'layout'> {
  readonly directory: string;
  /** How this command is called here: `npx meridian`. */
  readonly command: string;
  /** ` --state DIR`, or nothing. */
  readonly stateFlag: string;
  /** Tools of this machine that the commands to try may use. */
  readonly tools: { readonly curl: boolean; readonly dig: boolean };
}

/** What `meridian up` prints when all is ready. Every command in it works when pasted. */
export function announce(facts: AnnouncementFacts): string {
  const { config, file, directory, degraded, refused, readyMs } = facts;
  const what = refused.length === 0 ? 'is ready' : `serves, but not what ${file} says`;
  const headline = `Meridian ${what}: ${population(config)} in ${(readyMs / 1_000).toFixed(1)} s`;
  const commands = commandsToTry(facts).map(([what, command]) => [styled('dim', what), command]);
  return [
    `${styled('bold', headline)}, state in ${directory}`,
    indented(regionTable(config)),
    ...(refused.length > 0 ? [styled('red', refusals(facts))] : []),
    ...(degraded.length > 0 ? [styled('yellow', degraded.join('\n'))] : []),
    'Try, in another terminal:',
    indented(table(commands)),
    'Ctrl-C ends every process.\n',
  ].join('\n\n');
}

/** Who refused the file, why, and what runs in its place. */
function refusals({ config, file, refused, command, stateFlag }: AnnouncementFacts): string {
  const all = stackNodes(config).length;
  const lines = refused.flatMap(({ nodes, reason, running: { sequence, hash } }) => {
    const who = nodes.length === all ? 'every node' : nodes.join(', ');
    const what = sequence === 0 ? 'the file' : `revision ${sequence}`;
    return [
      `${file} was refused by ${who}: ${reason}`,
      `  in force there: ${what} that was accepted last (${hash.slice(0, 12)})`,
    ];
  });
  const again = `${command} apply ${shellQuoted(file)}${stateFlag}`;
  const isStored = config.store.engine !== 'memory';
  return [...lines, `Mend it${isStored ? `, then: ${again}` : ' and start again'}`].join('\n');
}

/** `2 regions and 1 witness`, `2 regions, 1 edge and 1 witness (5 nodes)`. */
function population(config: Config): string {
  const kinds = Object.values(config.regions).map(({ kind }) => kind);
  const count = (of: (typeof kinds)[number]) => kinds.filter((kind) => kind === of).length;
  const parts = [counted(count('region'), 'region')];
  if (count('edge') > 0) parts.push(counted(count('edge'), 'edge'));
  if (count('witness') > 0) parts.push(counted(count('witness'), 'witness'));
  const last = parts.pop()!;
  const places = parts.length === 0 ? last : `${parts.join(', ')} and ${last}`;
  const nodes = stackNodes(config).length;
  return nodes === kinds.length ? places : `${places} (${nodes} nodes)`;
}

/** One line for each node; the region stands before the first of its nodes only. */
function regionTable(config: Config): string {
  const { http, https, dns, admin } = config.ports;
  const nodes = stackNodes(config);
  const withNames = nodes.some(({ name }) => name !== undefined);
  const withData = nodes.some(({ region }) => servesData(config, region));
  const rows = nodes.map(({ region, name, bind, serves }, index) => {
    const isFirst = nodes[index - 1]?.region !== region;
    const title = [isFirst ? region : '', ...(withNames ? [name ?? '-'] : [])];
    const data = servesData(config, region) ? `http://${bind}:${config.data.port}` : '-';
    const apis = [...(withData ? [data] : []), `http://${bind}:${admin}`];
    if (!serves) return [...title, '-', '-', '-', ...apis];
    return [
      ...title,
      `http://${bind}:${http}`,
      `https://${bind}:${https}`,
      `${bind}:${dns}`,
      ...apis,
    ];
  });
  const names = withNames ? ['NODE'] : [];
  const apis = [...(withData ? ['DATA API'] : []), 'ADMIN API'];
  return table(rows, ['REGION', ...names, 'HTTP', 'HTTPS', 'DNS', ...apis]);
}

/** Pairs of what it does and the command. */
export function commandsToTry(facts: AnnouncementFacts): [string, string][] {
  const { config, command, stateFlag } = facts;
  const meridian = (rest: string) => `${command} ${rest}${stateFlag}`;
  const serving = Object.keys(config.regions).filter(
    (name) => config.regions[name]!.kind === 'region',
  );
  const region = serving[1] ?? serving[0]!;
  const [node] = Object.keys(config.regions[region]!.nodes ?? {});
  const started = Object.keys(config.stack?.services ?? {});
  const request = sampleRequest(config);
  const service = started.find((name) => name === request?.service) ?? started[0];
  const places = Object.keys(config.services[service ?? '']?.endpoints ?? {});
  const place = places.includes(region) ? region : places[0];
  const actions = (noun: string, target: string): [string, string][] => [
    [`kill ${noun === 'store' ? 'its' : 'a'} ${noun}`, meridian(`${noun} kill ${target}`)],
    ['and start it', meridian(`${noun} start ${target}`)],
  ];
  const restartAll: [string, string] = ['restart node by node', meridian('restart')];
  return [
    ...(request ? requests(facts, request) : []),
    ...lookups(facts),
    ...actions('region', region),
    ...(node === undefined ? [] : actions('node', `${region} ${node}`)),
    ...(place === undefined ? [] : actions('service', `${place} ${service}`)),
    ...(config.store.engine === 'memory' ? [] : actions('store', region)),
    ...(node === undefined ? [] : [restartAll]),
    ['who sees what', meridian('status')],
  ];
}

function requests(facts: AnnouncementFacts, { host, path }: SampleRequest): [string, string][] {
  const { config, command, stateFlag, tools, directory } = facts;
  const address = stackNodes(config).find(({ serves }) => serves)!.bind;
  const authority = namesCertificates(config)
    ? ''
    : ` --cacert ${shellQuoted(join(directory, 'ca', 'ca.pem'))}`;
  return (['http', 'https'] as const).map((scheme) => {
    const port = config.ports[scheme];
    const url = shellQuoted(`${scheme}://${host}:${port}${path}`);
    const trust = scheme === 'https' ? authority : '';
    return [
      `a request over ${scheme.toUpperCase()}`,
      tools.curl
        ? `curl${trust} --resolve ${host}:${port}:${address} ${url}`
        : `${command} request ${url}${stateFlag}`,
    ];
  });
}

/**
 * One look-up, or one for each of three continents where the answer depends on the client
 * and the nodes know where clients are.
 */
function lookups({
  config,
  degraded,
  command,
  stateFlag,
  tools,
}: AnnouncementFacts): [string, string][] {
  const sample = sampleName(config);
  if (!sample) return [];
  const address = stackNodes(config).find(({ serves }) => serves)!.bind;
  const ask = (network: string | undefined) =>
    tools.dig
      ? `dig @${address} -p ${config.ports.dns} ${sample.name} A +short${network ? ` +subnet=${network}` : ''}`
      : `${command} lookup ${sample.name}${network ? ` --client ${network}` : ''}${stateFlag}`;
  const locates = !degraded.some((sentence) => /country data/i.test(sentence));
  if (!sample.steered || !locates) return [['a look-up', ask(undefined)]];
  return sampleClients.map(({ place, network }) => [`a look-up from ${place}`, ask(network)]);
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ');
}
