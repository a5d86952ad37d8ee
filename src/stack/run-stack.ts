import { systemClock } from '../base/clock.ts';
import type { Config } from '../config/schema/config.ts';
import type { ControlRequest } from './control/protocol.ts';
import { ControlServer, chooseSocketPath } from './control/server.ts';
import { failStack } from './errors.ts';
import { Fleet, type FleetRecord } from './fleet.ts';
import { Growth, type Redraw } from './growth.ts';
import { tailOf } from './log-tail.ts';
import { causesOf, type Missing } from './missing.ts';
import { Operations } from './operations.ts';
import { stackNodes } from './plan/nodes.ts';
import { endProcesses, findMarked } from './processes/marked.ts';
import type { ProcessEvent, ProcessSpec, StackProcess } from './processes/stack-process.ts';
import { awaitReady } from './readiness.ts';
import type { StackReporter } from './reporter.ts';
import type { RollStep } from './rolling/roll.ts';
import { Roller } from './rolling/roller.ts';
import type { StackLayout } from './state/layout.ts';
import { removeSocket } from './state/leftovers.ts';
import { Possession } from './state/possession.ts';
import { bootId, emptyRecord, type StackRecord, writeRecord } from './state/record.ts';
import { StopSignals } from './stop-signals.ts';

/** What is to run of a configuration. */
export interface Drawn {
  readonly config: Config;
  readonly source: NonNullable<StackRecord['source']>;
  readonly shape: NonNullable<StackRecord['shape']>;
  readonly specs: readonly ProcessSpec[];
}

export interface RunOptions extends Drawn {
  readonly layout: StackLayout;
  /** The same again, with the files that it reads written. */
  readonly redraw: (how: Redraw) => Promise<Drawn>;
  readonly reporter: StackReporter;
  readonly readyWithinMs: number;
}

const graceMs = 5_000;
const tailLines = 15;
const shownLogs = 3;

/**
 * The life of a stack under its supervisor:
 *
 *   spawning ──all ready──▶ serving ──signal, down──▶ stopping ──all ended──▶ (resolves)
 *      │ one ended, or the deadline passed               ▲
 *      └─────────────────── not_ready ───────────────────┘ (rejects)
 */
export async function runStack(options: RunOptions): Promise<void> {
  const stack = new RunningStack(options);
  try {
    await stack.start();
    await stack.untilAskedToStop();
  } finally {
    await stack.close();
  }
}

class RunningStack {
  readonly #options: RunOptions;
  readonly #signals = new StopSignals();
  readonly #failed = new AbortController();
  readonly #fleet: Fleet;
  readonly #growth: Growth;
  readonly #control: ControlServer;
  readonly #killAll = (): void => void this.#fleet.kill();
  readonly #possession: Possession;
  #serving = false;
  #lost: string | undefined;

  constructor(options: RunOptions) {
    const { config, layout, specs, redraw } = options;
    this.#options = options;
    const empty = { ...emptyRecord(chooseSocketPath(layout.socket)), bootId: bootId() };
    const recordOf = (drawn: Drawn, regions: readonly string[]): FleetRecord => {
      const { source, shape } = drawn;
      return { ...empty, source, shape, regions: regionRecords(drawn.config, regions) };
    };
    this.#possession = new Possession(layout, {
      onLost: (why) => this.#lose(why),
      onDamaged: () => this.#fleet.save(),
    });
    const record = recordOf(options, Object.keys(config.regions));
    this.#fleet = new Fleet(specs, layout, record, (member, event) =>
      this.#happened(member, event),
    );
    const growth = new Growth({
      fleet: this.#fleet,
      layout,
      config,
      redraw: async (how) => {
        const drawn = await redraw(how);
        return { ...drawn, record: (regions) => recordOf(drawn, regions) };
      },
      clock: systemClock,
      onLeft: (outcome) =>
        options.reporter.asked({ operation: 'founding', action: 'undo' }, outcome),
      graceMs,
      hurry: this.#signals.hurry,
    });
    this.#growth = growth;
    const roller = new Roller({
      fleet: this.#fleet,
      get nodes() {
        return growth.nodes;
      },
      admin: config.ports.admin,
      stop: this.#signals.stop,
    });
    const operations = new Operations(this.#fleet, roller, growth, this.#signals.stop);
    this.#control = new ControlServer((request, tell) => this.#answer(request, tell, operations));
    // However this process ends short of SIGKILL, an error included, nothing outlives it.
    process.on('exit', this.#killAll);
  }

  async start(): Promise<void> {
    const { config, source, layout, reporter, readyWithinMs } = this.#options;
    await this.#control.listen(this.#fleet.record.socket);
    this.#fleet.start();
    this.#possession.watch();
    const deadline = AbortSignal.timeout(readyWithinMs);
    const until = AbortSignal.any([deadline, this.#failed.signal, this.#signals.stop]);
    const { missing, degraded, refused } = await awaitReady(config, until);
    if (this.#signals.stop.aborted) return;
    if (this.#failed.signal.aborted || missing.length > 0) this.#failNotReady(missing);
    this.#serving = true;
    const { file } = source;
    reporter.ready({ config, file, layout, degraded, refused, readyMs: performance.now() });
  }

  async untilAskedToStop(): Promise<void> {
    const { stop } = this.#signals;
    if (!stop.aborted) {
      // A pending promise does not keep a process alive, and all regions may be down.
      const alive = setInterval(() => undefined, 60_000);
      await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
      clearInterval(alive);
    }
    this.#options.reporter.stopping(String(stop.reason));
  }

  /** Ends every process: nodes and services first, then the store that they use. */
  async close(): Promise<void> {
    const { layout, reporter } = this.#options;
    const { hurry } = this.#signals;
    this.#growth.close();
    const startedMs = performance.now();
    const all = this.#fleet.processes;
    const count = all.filter(({ state }) => state !== 'stopped').length;
    const isStore = ({ spec }: StackProcess) => spec.kind === 'hub' || spec.kind === 'leaf';
    await this.#fleet.stop(
      all.filter((member) => !isStore(member)),
      graceMs,
      hurry,
    );
    await this.#fleet.stop(all.filter(isStore), graceMs, hurry);
    // What a service started and did not end itself.
    const own = findMarked(layout.directory).filter(
      ({ supervisor }) => supervisor?.pid === process.pid,
    );
    await endProcesses(own, graceMs);
    await this.#control.close();
    this.#possession.close();
    const left = this.#fleet.running;
    if (this.#possession.isHeld()) this.#leave();
    this.#signals.close();
    process.off('exit', this.#killAll);
    reporter.stopped(count - left.length, performance.now() - startedMs);
    if (this.#lost) {
      failStack('state_directory_lost', `the stack was ended: ${this.#lost}`);
    }
  }

  /** What the next `up` finds; on a full disk the end of our process says the same. */
  #leave(): void {
    const { layout } = this.#options;
    const record = { ...this.#fleet.record, supervisor: null, processes: this.#fleet.running };
    removeSocket(layout, record);
    try {
      writeRecord(layout.record, record);
    } catch {
      // Start times tell the next that our pid is ours no more.
    }
  }

  #lose(why: string): void {
    this.#lost = why;
    this.#signals.request(why);
  }

  #happened({ spec }: StackProcess, event: ProcessEvent): void {
    if (event.type !== 'exited' || event.asked || this.#signals.stop.aborted) return;
    if (this.#serving) this.#options.reporter.exited(spec, event);
    else this.#failed.abort();
  }

  async #answer(
    request: ControlRequest,
    tell: (step: RollStep) => void,
    operations: Operations,
  ): Promise<unknown> {
    if (request.operation === 'stop') {
      this.#signals.request('`meridian down`');
      return { pid: process.pid };
    }
    if (this.#signals.stop.aborted) failStack('stack_not_running', 'the stack is ending');
    const { reporter } = this.#options;
    const result = await operations.run(request, (step) => {
      reporter.rolled(step);
      tell(step);
    });
    const isWord = 'action' in request && (request.action === 'hold' || request.action === 'look');
    if ('changed' in result && !isWord) reporter.asked(request, result);
    return result;
  }

  /** Names the processes that ended; or else the causes, each with one log that may say more. */
  #failNotReady(missing: readonly Missing[]): never {
    const { processes } = this.#fleet;
    const dead = processes.filter(({ lastExit }) => lastExit);
    if (dead.length > 0) {
      const why = `${dead.length} of its processes ended while it started`;
      return failNotReady([why, ...dead.map(describe)]);
    }
    const causes = causesOf(missing);
    const shown = causes.flatMap(
      ({ concerns }) => processes.find(({ spec }) => concerns(spec)) ?? [],
    );
    return failNotReady([
      `not ready within ${this.#options.readyWithinMs / 1_000} s`,
      ...causes.map(({ sentence }) => `  ${sentence}`),
      ...[...new Set(shown)].slice(0, shownLogs).map(describe),
    ]);
  }
}

function failNotReady([why, ...lines]: readonly string[]): never {
  return failStack('not_ready', [`the stack did not start: ${why}`, ...lines].join('\n'));
}

/** A process, how it ended if it did, and the end of its log. */
function describe({ spec, lastExit, logStart }: StackProcess): string {
  const how = lastExit
    ? `: ${lastExit.error ?? lastExit.signal ?? `exit code ${lastExit.code}`}`
    : '';
  const tail = tailOf(spec.logPath, logStart, tailLines);
  const log = tail.length === 0 ? ['(its log is empty)'] : tail;
  return [`  ${spec.id}${how}, log ${spec.logPath}`, ...log.map((line) => `    ${line}`)].join(
    '\n',
  );
}

function regionRecords(config: Config, regions: readonly string[]): StackRecord['regions'] {
  const { http, https, dns, admin } = config.ports;
  const ports = { http, https, dns, admin };
  const nodes = stackNodes(config);
  return Object.fromEntries(
    regions.map((region) => {
      const { kind } = config.regions[region]!;
      const own = nodes
        .filter((node) => node.region === region)
        .map(({ id, title, name, bind }) => ({
          id,
          title,
          ...(name !== undefined && { name }),
          address: bind,
          ...ports,
        }));
      return [
        region,
        { address: own[0]!.address, serves: kind !== 'witness', ...ports, nodes: own },
      ];
    }),
  );
}
