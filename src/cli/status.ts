import type { Command } from 'commander';
import type { NodeStatus } from '../admin/node-view.ts';
import { frozenAdvice, leftoverAdvice } from '../stack/advice.ts';
import type { NodeAnswer, Survey } from '../stack/survey.ts';
import { exclusiveTable } from './exclusive-table.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';
import { colouredState, formatAge, print, printJson, styled, table } from './output.ts';

export function define(command: Command): void {
  addJsonOption(addStateOption(command))
    .addHelpText(
      'after',
      '\nEach column of states is what that region itself thinks of the others.',
    )
    .action(status);
}

async function status({ state, json }: StackOptions): Promise<void> {
  const { surveyStack } = await import('../stack/survey.ts');
  const survey = await surveyStack(state);
  const answered = Object.values(survey.nodes).some((node) => node.status);
  if (!answered || survey.supervisor === undefined) process.exitCode = 1;
  if (json) printJson(survey);
  else print(renderSurvey(survey));
}

/** What the nodes of one region that answer see; a column of the tables. */
interface Column {
  readonly region: string;
  readonly observers: readonly NodeStatus[];
}

/** The tables of `meridian status`. */
export function renderSurvey(survey: Survey): string {
  const columns = columnsOf(survey);
  return [
    headline(survey),
    nodeTable(survey),
    ...(columns.length === 0
      ? []
      : [gatewayTable(columns), serviceTable(columns), checkTable(columns), bucketTable(columns)]),
    exclusiveTable(survey.nodes),
    ...notes(survey.nodes),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function columnsOf({ nodes }: Survey): Column[] {
  const observers = Object.values(nodes).flatMap(({ status }) => status ?? []);
  return [...Map.groupBy(observers, ({ region }) => region)].map(([region, own]) => {
    return { region, observers: own };
  });
}

/** The stack, its supervisor, and what it runs; with advice where that is not as it should. */
function headline(survey: Survey): string {
  const { directory, supervisor, frozen, leftovers, source } = survey;
  const who = supervisor === undefined ? 'no supervisor runs' : `supervisor pid ${supervisor}`;
  const lines = [`${styled('bold', 'stack')} ${directory}, ${frozen ? `${who}, stopped` : who}`];
  if (source) {
    const revision = source.revision.slice(0, 12);
    const told = refusedBy(survey) ?? 'REVISION below is that with what the stack fills in';
    lines.push(`of ${source.file}, revision ${revision}; ${told}`);
  }
  if (leftovers > 0) lines.push(styled('yellow', leftoverAdvice(directory, leftovers)));
  if (frozen && supervisor !== undefined) lines.push(styled('yellow', frozenAdvice(supervisor)));
  return lines.join('\n');
}

/** Nodes that serve what they had before they were started with the file; `undefined`: none. */
function refusedBy({ nodes }: Survey): string | undefined {
  const answers = Object.entries(nodes).filter(([, { status }]) => status !== undefined);
  const refused = answers.filter(([, { status }]) => status?.revision.fileRefused !== undefined);
  if (refused.length === 0) return undefined;
  const titles = refused.map(([title]) => title).join(', ');
  const who = refused.length === answers.length ? 'every node' : titles;
  return `${who} refused it (see NOTE): REVISION below is what runs there instead`;
}

/** A line for each region, and below it one for each node where it has several. */
function nodeTable({ nodes, processes }: Survey): string {
  const byRegion = Map.groupBy(Object.values(nodes), ({ region }) => region);
  const rows = [...byRegion].flatMap(([region, own]) => {
    const here = processes.filter((process) => process.region === region);
    const summary = [region, processSummary(here)];
    const [only] = own;
    if (only?.node === undefined) return [[...summary, ...nodeCells(only!)]];
    const lines = own.map((answer) => {
      const process = here.find(({ kind, node }) => kind === 'node' && node === answer.node);
      const state = process ? colouredState(process.state) : '-';
      return [`  ${answer.node}`, state, ...nodeCells(answer)];
    });
    return [[...summary, '', ''], ...lines];
  });
  return table(rows, ['REGION', 'PROCESSES', 'REVISION', 'STORE']);
}

function nodeCells({ status }: NodeAnswer): string[] {
  if (!status) return [styled('red', 'no answer'), '-'];
  const { revision, store } = status;
  const age = `${revision.hash.slice(0, 12)} from ${revision.source}, ${formatAge(revision.ageSeconds)}`;
  return [age, storeSummary(store)];
}

function processSummary(processes: Survey['processes']): string {
  if (processes.length === 0) return '-';
  const off = processes.filter(({ state }) => state !== 'running');
  if (off.length === 0) return `${processes.length} running`;
  if (off.length === processes.length && new Set(off.map(({ state }) => state)).size === 1) {
    return colouredState(off[0]!.state);
  }
  const names = off.map(
    ({ id, state }) => `${id.slice(id.indexOf('/') + 1)} ${colouredState(state)}`,
  );
  return `${processes.length - off.length} running, ${names.join(', ')}`;
}

function storeSummary(store: NodeStatus['store']): string {
  if (store.reachable) return `${store.engine}, reachable`;
  const seconds = formatAge(store.outOfReachForSeconds);
  return styled('yellow', `${store.engine}, out of reach for ${seconds}`);
}

/** One row per gateway, and per address where it has several; one column per region. */
function gatewayTable(columns: readonly Column[]): string {
  const rows = columns[0]!.observers[0]!.regions.flatMap(({ name, addresses }) => {
    const regionIn = ({ regions }: NodeStatus) => regions.find((region) => region.name === name);
    const row = [name, ...cells(columns, (observer) => use(regionIn(observer), gatewayOf))];
    if (addresses.length < 2) return [row];
    const below = addresses.map(({ address, node }) => [
      `  ${node ?? address}`,
      ...cells(columns, (observer) =>
        use(
          regionIn(observer)?.addresses.find((one) => one.address === address),
          ({ state, draining }) => stateCell(state, draining),
        ),
      ),
    ]);
    return [row, ...below];
  });
  return table(rows, ['GATEWAY', ...headings(columns)]);
}

function gatewayOf({ gateway, draining }: NodeStatus['regions'][number]): string {
  return stateCell(gateway.state, draining);
}

function stateCell(state: string, draining: boolean): string {
  return colouredState(state) + (draining ? ', draining' : '');
}

function serviceTable(columns: readonly Column[]): string {
  const rows = columns[0]!.observers[0]!.services.map(({ name, region }) => [
    name,
    region,
    ...cells(columns, (observer) =>
      use(
        observer.services.find((one) => one.name === name && one.region === region),
        ({ state, endpoints }) => {
          const ejected = endpoints.filter((endpoint) => endpoint.ejected).length;
          return `${colouredState(state)}${ejected > 0 ? `, ${ejected} ejected` : ''}`;
        },
      ),
    ),
  ]);
  if (rows.length === 0) return '';
  return table(rows, ['SERVICE', 'REGION', ...headings(columns)]);
}

/** Checks by name. */
function checkTable(columns: readonly Column[]): string {
  const rows = (columns[0]!.observers[0]!.checks ?? []).map(({ name }) => [
    name,
    ...cells(columns, (observer) =>
      use(
        observer.checks?.find((one) => one.name === name),
        ({ state }) => colouredState(state),
      ),
    ),
  ]);
  return rows.length === 0 ? '' : table(rows, ['CHECK', ...headings(columns)]);
}

/** Buckets of replicated data, as each region sees its own copy. */
function bucketTable(columns: readonly Column[]): string {
  const seen = columns.flatMap(({ observers }) =>
    observers.flatMap(({ data }) => data?.buckets ?? []),
  );
  // An edge or a witness has none, and a node that was just configured has more than others.
  const buckets = new Map(seen.map(({ name, consistency }) => [name, consistency]));
  const rows = [...buckets].map(([name, consistency]) => [
    name,
    consistency,
    ...cells(columns, ({ data }) =>
      use(
        data?.buckets.find((one) => one.name === name),
        bucketCell,
      ),
    ),
  ]);
  return rows.length === 0 ? '' : table(rows, ['BUCKET', '', ...headings(columns)]);
}

type BucketView = NonNullable<NodeStatus['data']>['buckets'][number];

function bucketCell({ resident, writable, lagMs, lost }: BucketView): string {
  if (!resident) return 'not here';
  const lags = Object.values(lagMs);
  const state = writable ? 'writable' : styled('red', 'not writable');
  const lag = lags.length > 0 ? `, ${Math.round(Math.max(...lags))} ms behind` : '';
  return state + lag + (lost > 0 ? styled('yellow', `, ${lost} lost`) : '');
}

function headings(columns: readonly Column[]): string[] {
  return columns.map(({ region }) => `seen by ${region}`);
}

/** What the nodes of each region see: once where they agree, else each by its name. */
function cells(columns: readonly Column[], see: (observer: NodeStatus) => string): string[] {
  return columns.map(({ observers }) => {
    const seen = Map.groupBy(observers, see);
    if (seen.size === 1) return [...seen.keys()][0]!;
    return [...seen]
      .map(([text, own]) => `${own.map(({ node }) => node).join(', ')}: ${text}`)
      .join('; ');
  });
}

/** `-` for what a node does not know of. */
function use<Value>(value: Value | undefined, show: (value: Value) => string): string {
  return value === undefined ? '-' : show(value);
}

/**
 * Why a node does not answer, and what each of the others finds wrong. A service is decided
 * by its own region: while that answers, the others only repeat it.
 */
function notes(nodes: Survey['nodes']): string[] {
  const all = Object.entries(nodes);
  const hears = (region: string) => all.some(([, one]) => one.region === region && one.status);
  const lines = all.flatMap(([title, { region, status, error }]) => {
    if (!status) return [{ title, region, note: error }];
    const gateways = status.regions
      .filter(({ gateway }) => gateway.state !== 'healthy')
      .map(({ name, gateway }) => `gateway of ${name}: ${gateway.reason}`);
    const services = status.services
      .filter(
        ({ state, region: place }) => state !== 'healthy' && (place === region || !hears(place)),
      )
      .map(({ name, region: place, reason }) => `${name} of ${place}: ${reason}`);
    const own = [...status.degraded, ...gateways, ...services];
    const checks = (status.checks ?? [])
      .filter(({ state }) => state !== 'healthy')
      .map(({ name, reason }) => ({ title, region: '', note: `check ${name}: ${reason}` }));
    return [...own.map((note) => ({ title, region, note })), ...checks];
  });
  // The nodes of one region mostly find the same; of a check all that probe it decide together.
  const alike = Map.groupBy(lines, ({ region, note }) => `${region} ${note}`);
  const rows = [...alike.values()].map((same) => [
    same.map(({ title }) => title).join(', '),
    same[0]!.note,
  ]);
  return rows.length === 0 ? [] : [table(rows, ['NODE', 'NOTE'])];
}
