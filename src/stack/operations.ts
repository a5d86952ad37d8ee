import { systemClock } from '../base/clock.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { ControlRequest } from './control/protocol.ts';
import { failStack } from './errors.ts';
import type { Fleet, FleetEvent, Outcome } from './fleet.ts';
import type { Growth } from './growth.ts';
import type {
  ProcessExit,
  ProcessKind,
  ProcessState,
  StackProcess,
} from './processes/stack-process.ts';
import type { RollStep } from './rolling/roll.ts';
import type { Roller } from './rolling/roller.ts';
import { startAgain } from './start-again.ts';

type Action = 'kill' | 'freeze' | 'start';

/** Any word of progress, for whoever asked. */
type Tell = (step: RollStep) => void;

/** A process as `status` shows it. */
export interface ProcessStatus {
  readonly id: string;
  readonly kind: ProcessKind;
  readonly region: string;
  /** For kind `node`, where the region names its nodes. */
  readonly node?: string;
  readonly service?: string;
  readonly state: ProcessState;
  readonly pid: number | undefined;
  readonly lastExit: ProcessExit | undefined;
  readonly logPath: string;
}

/** What the control socket does for each request but `stop`. */
export class Operations {
  readonly #fleet: Fleet;
  readonly #roller: Roller;
  readonly #growth: Growth;
  readonly #stop: AbortSignal;

  /** @param stop the stack itself ends */
  constructor(fleet: Fleet, roller: Roller, growth: Growth, stop: AbortSignal) {
    this.#fleet = fleet;
    this.#roller = roller;
    this.#growth = growth;
    this.#stop = stop;
  }

  /** @throws MeridianError `name_unknown` that lists the known names and the one likely meant. */
  async run(
    request: Exclude<ControlRequest, { operation: 'stop' }>,
    tell: Tell,
  ): Promise<Outcome | ProcessStatus[] | readonly FleetEvent[]> {
    switch (request.operation) {
      case 'status':
        return this.#fleet.processes.map(statusOf);
      case 'events':
        return this.#fleet.events;
      case 'region':
        return this.#actOnRegion(request.action, request.region, tell);
      case 'voter':
        return request.action === 'start'
          ? this.#growth.startVoter(request.region, request.instance)
          : this.#growth.endVoter(request.region);
      case 'founding':
        return this.#growth.found(request.action, request.owner);
      case 'node':
        return this.#actOnNodes(request.action, this.#nodesOf(request.region, request.node), tell);
      case 'restart':
        return this.#actOnNodes('restart', this.#nodesOf(request.region), tell);
      case 'service':
        return this.#act(request.action, this.#ofService(request.region, request.service), tell);
      case 'store':
        return this.#act(request.action, this.#ofStore(request.region), tell);
    }
  }

  #act(action: Action, processes: readonly StackProcess[], tell: Tell): Promise<Outcome> | Outcome {
    switch (action) {
      case 'kill':
        return this.#fleet.kill(processes);
      case 'freeze':
        return this.#fleet.freeze(processes);
      case 'start':
        return startAgain(processes, {
          fleet: this.#fleet,
          clock: systemClock,
          stop: this.#stop,
          isChanging: () => this.#growth.isChanging,
          tell,
        });
    }
  }

  async #actOnRegion(
    action: Action | 'add' | 'remove',
    region: string,
    tell: Tell,
  ): Promise<Outcome> {
    if (action === 'add') return await this.#growth.addRegion(region);
    if (action !== 'remove') return await this.#act(action, this.#inRegion(region), tell);
    await this.#growth.checkUnwanted(region);
    const nodes = this.#nodesOf(region).filter(({ state }) => state === 'running');
    if (nodes.length > 0) await this.#actOnNodes('stop', nodes, tell);
    return await this.#growth.removeRegion(region);
  }

  #actOnNodes(
    action: Action | 'stop' | 'restart',
    nodes: readonly StackProcess[],
    tell: Tell,
  ): Promise<Outcome> | Outcome {
    if (action !== 'stop' && action !== 'restart') return this.#act(action, nodes, tell);
    const ids = nodes.map(({ spec }) => spec.id);
    return this.#roller.run(ids, action, tell);
  }

  #nodesOf(region?: string, node?: string): StackProcess[] {
    const all = region === undefined ? this.#fleet.processes : this.#inRegion(region);
    const nodes = all.filter(({ spec }) => spec.kind === 'node');
    if (node === undefined) return nodes;
    // The only node of a region goes by the name of that.
    const nameOf = ({ spec }: StackProcess) => spec.node ?? spec.region;
    requireKnown('node', node, nodes.map(nameOf), ` in ${region}`);
    return nodes.filter((member) => nameOf(member) === node);
  }

  #inRegion(region: string): StackProcess[] {
    requireKnown('region', region, this.#growth.regions);
    return this.#fleet.processes.filter(({ spec }) => spec.region === region);
  }

  #ofService(region: string, service: string): StackProcess[] {
    const here = this.#inRegion(region).filter(({ spec }) => spec.kind === 'service');
    const known = [...new Set(here.map(({ spec }) => spec.service ?? ''))];
    requireKnown('service', service, known, ` that the stack runs in ${region}`);
    return here.filter(({ spec }) => spec.service === service);
  }

  #ofStore(region: string | undefined): StackProcess[] {
    const all = region === undefined ? this.#fleet.processes : this.#inRegion(region);
    const servers = all.filter(({ spec }) => spec.kind === 'hub' || spec.kind === 'leaf');
    if (servers.length > 0) return servers;
    return failStack('name_unknown', 'this stack runs no store servers');
  }
}

function requireKnown(kind: string, given: string, known: readonly string[], where = ''): void {
  if (known.includes(given)) return;
  const meant = nearestName(given, known);
  const hint = meant === undefined ? '' : `, did you mean "${meant}"?`;
  const list = known.length === 0 ? 'there is none' : `known: ${known.join(', ')}`;
  failStack('name_unknown', `no ${kind} "${given}"${where}${hint} (${list})`);
}

function statusOf({ spec, state, identity, lastExit }: StackProcess): ProcessStatus {
  const { id, kind, region, node, service, logPath } = spec;
  return {
    id,
    kind,
    region,
    ...(node !== undefined && { node }),
    ...(service !== undefined && { service }),
    state,
    pid: identity?.pid,
    lastExit,
    logPath,
  };
}
