import { nearestName } from '../config/nearest-name.ts';
import type { ControlRequest } from './control/protocol.ts';
import { failStack } from './errors.ts';
import type { Fleet, FleetEvent, Outcome } from './fleet.ts';
import type {
  ProcessExit,
  ProcessKind,
  ProcessState,
  StackProcess,
} from './processes/stack-process.ts';

type Action = 'kill' | 'freeze' | 'start';

/** A process as `status` shows it. */
export interface ProcessStatus {
  readonly id: string;
  readonly kind: ProcessKind;
  readonly region: string;
  readonly service?: string;
  readonly state: ProcessState;
  readonly pid: number | undefined;
  readonly lastExit: ProcessExit | undefined;
  readonly logPath: string;
}

/** What the control socket does for each request but `stop`. */
export class Operations {
  readonly #fleet: Fleet;
  readonly #regions: readonly string[];

  constructor(fleet: Fleet, regions: readonly string[]) {
    this.#fleet = fleet;
    this.#regions = regions;
  }

  /** @throws MeridianError `name_unknown` that lists the known names and the one likely meant. */
  async run(
    request: Exclude<ControlRequest, { operation: 'stop' }>,
  ): Promise<Outcome | ProcessStatus[] | readonly FleetEvent[]> {
    switch (request.operation) {
      case 'status':
        return this.#fleet.processes.map(statusOf);
      case 'events':
        return this.#fleet.events;
      case 'region':
        return this.#act(request.action, this.#inRegion(request.region));
      case 'service':
        return this.#act(request.action, this.#ofService(request.region, request.service));
      case 'store':
        return this.#act(request.action, this.#ofStore(request.region));
    }
  }

  #act(action: Action, processes: readonly StackProcess[]): Promise<Outcome> | Outcome {
    switch (action) {
      case 'kill':
        return this.#fleet.kill(processes);
      case 'freeze':
        return this.#fleet.freeze(processes);
      case 'start':
        return this.#fleet.start(processes);
    }
  }

  #inRegion(region: string): StackProcess[] {
    requireKnown('region', region, this.#regions);
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
  const { id, kind, region, service, logPath } = spec;
  const common = { id, kind, region, state, pid: identity?.pid, lastExit, logPath };
  return service === undefined ? common : { ...common, service };
}
