import type { Command } from 'commander';
import type { NodeStatus } from '../admin/node-view.ts';
import { frozenAdvice, leftoverAdvice } from '../stack/advice.ts';
import type { NodeAnswer, Survey } from '../stack/survey.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';
import { colouredState, print, printJson, styled, table } from './output.ts';

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

/** The tables of `meridian status`. */
export function renderSurvey(survey: Survey): string {
  const observers = Object.entries(survey.nodes).flatMap(([, { status }]) => status ?? []);
  return [
    headline(survey),
    nodeTable(survey),
    ...(observers.length === 0 ? [] : [gatewayTable(observers), serviceTable(observers)]),
    ...notes(survey.nodes),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The stack, its supervisor, and what it runs; with advice where that is not as it should. */
function headline({ directory, supervisor, frozen, leftovers, source }: Survey): string {
  const who = supervisor === undefined ? 'no supervisor runs' : `supervisor pid ${supervisor}`;
  const lines = [`${styled('bold', 'stack')} ${directory}, ${frozen ? `${who}, stopped` : who}`];
  if (source) {
    const revision = source.revision.slice(0, 12);
    lines.push(
      `of ${source.file}, revision ${revision}; REVISION below is that with what the stack fills in`,
    );
  }
  if (leftovers > 0) lines.push(styled('yellow', leftoverAdvice(directory, leftovers)));
  if (frozen && supervisor !== undefined) lines.push(styled('yellow', frozenAdvice(supervisor)));
  return lines.join('\n');
}

function nodeTable({ nodes, processes }: Survey): string {
  const rows = Object.entries(nodes).map(([region, { status }]) => {
    const own = processes.filter((process) => process.region === region);
    const cells = [region, processSummary(own)];
    if (!status) return [...cells, styled('red', 'no answer'), '-'];
    const { revision, store } = status;
    const age = `${revision.hash.slice(0, 12)} from ${revision.source}, ${formatAge(revision.ageSeconds)}`;
    return [...cells, age, storeSummary(store)];
  });
  return table(rows, ['REGION', 'PROCESSES', 'REVISION', 'STORE']);
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

/** One row per gateway, one column per observer. */
function gatewayTable(observers: readonly NodeStatus[]): string {
  const names = observers[0]!.regions.map(({ name }) => name);
  const rows = names.map((name) => [
    name,
    ...observers.map((observer) => {
      const seen = observer.regions.find((region) => region.name === name);
      if (!seen) return '-';
      return colouredState(seen.gateway.state) + (seen.draining ? ', draining' : '');
    }),
  ]);
  return table(rows, ['GATEWAY', ...observers.map(({ region }) => `seen by ${region}`)]);
}

function serviceTable(observers: readonly NodeStatus[]): string {
  const rows = observers[0]!.services.map(({ name, region }) => [
    name,
    region,
    ...observers.map((observer) => {
      const seen = observer.services.find((one) => one.name === name && one.region === region);
      const ejected = seen?.endpoints.filter((endpoint) => endpoint.ejected).length ?? 0;
      return `${colouredState(seen?.state ?? '-')}${ejected > 0 ? `, ${ejected} ejected` : ''}`;
    }),
  ]);
  if (rows.length === 0) return '';
  return table(rows, ['SERVICE', 'REGION', ...observers.map(({ region }) => `seen by ${region}`)]);
}

/**
 * Why a node does not answer, and what each of the others finds wrong. A service is decided
 * by its own region: while that answers, the others only repeat it.
 */
function notes(nodes: Survey['nodes']): string[] {
  const hears = (region: string) => nodes[region]?.status !== undefined;
  const lines = Object.entries(nodes).flatMap(([region, answer]: [string, NodeAnswer]) => {
    const { status } = answer;
    if (!status) return [[region, answer.error ?? '']];
    const gateways = status.regions
      .filter(({ gateway }) => gateway.state !== 'healthy')
      .map(({ name, gateway }) => `gateway of ${name}: ${gateway.reason}`);
    const services = status.services
      .filter(
        ({ state, region: place }) => state !== 'healthy' && (place === region || !hears(place)),
      )
      .map(({ name, region: place, reason }) => `${name} of ${place}: ${reason}`);
    return [...status.degraded, ...gateways, ...services].map((note) => [region, note]);
  });
  return lines.length === 0 ? [] : [table(lines, ['NODE', 'NOTE'])];
}

function formatAge(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
