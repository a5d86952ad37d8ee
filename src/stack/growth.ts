import type { Clock } from '../base/clock.ts';
import type { Config } from '../config/schema/config.ts';
import { hubVoters, storeSites } from '../store/nats-server/sites.ts';
import { failStack } from './errors.ts';
import type { Fleet, FleetRecord, Outcome } from './fleet.ts';
import { type FoundingAction, HubFounding } from './founding/hub-founding.ts';
import { type StackNode, stackNodes } from './plan/nodes.ts';
import { portNeeds } from './plan/port-needs.ts';
import type { Founding } from './plan/voters.ts';
import { claimPorts } from './ports.ts';
import type { ProcessIdentity } from './processes/identity.ts';
import type { ProcessSpec, StackProcess } from './processes/stack-process.ts';
import type { StackLayout } from './state/layout.ts';
import { keepVoterInstance, voterInstance } from './state/voter-instance.ts';

/** What the stack makes of its configuration file, as that is now. */
export interface Blueprint {
  readonly config: Config;
  readonly specs: readonly ProcessSpec[];
  /** Of the regions named. */
  record(regions: readonly string[]): FleetRecord;
}

export interface GrowthOptions {
  readonly fleet: Fleet;
  readonly layout: StackLayout;
  /** Regions that run when it begins. */
  readonly config: Config;
  /** Writes what new processes read, by the file as it is now or as it was read last. */
  readonly redraw: (how: Redraw) => Promise<Blueprint>;
  readonly clock: Pick<Clock, 'after'>;
  /** The founding of a hub was ended without a word of who had begun it. */
  readonly onLeft: (outcome: Outcome) => void;
  readonly graceMs: number;
  readonly hurry: AbortSignal;
}

export interface Redraw {
  readonly founding: Founding | undefined;
  /** Whether the file is read again. */
  readonly again: boolean;
}

const nothing: Outcome = { changed: [], unchanged: [], first: undefined };

/**
 * Regions and voters that come and go while the stack serves. What runs already is left
 * alone: it finds what is new in its files when it is started again.
 *
 *   configuration file ──redraw──▶ specs of all ──┬─ of a region that is added ──▶ started
 *                                                 ├─ of a voter that is started ─▶ started
 *                                                 └─ of what runs: from its next start on
 *
 * Changes of the hub are not decided here: `meridian store` asks for a voter when its plan
 * has come to that, and for its end when the hub has taken it out.
 */
export class Growth {
  readonly #options: GrowthOptions;
  #nodes: readonly StackNode[];
  #regions: readonly string[];
  readonly #founding: HubFounding;
  #busy = false;

  constructor(options: GrowthOptions) {
    const { layout, clock, onLeft } = options;
    this.#options = options;
    this.#founding = new HubFounding({
      ...{ layout, clock, onLeft },
      regions: () => this.#regions,
      redraw: () => this.#redraw(),
      restartHub: () => this.#restartHub(),
      reloadHub: () => this.#reloadHub(),
      renewLeaves: () => this.#renewLeaves(),
      alone: (act) => this.#alone(act, true),
    });
    this.#nodes = stackNodes(options.config);
    this.#regions = Object.keys(options.config.regions);
  }

  /** Regions of which something is to run. */
  get regions(): readonly string[] {
    return this.#regions;
  }

  /** Whether a region or voter is being added, or taken out, right now. */
  get isChanging(): boolean {
    return this.#busy;
  }

  get nodes(): readonly StackNode[] {
    return this.#nodes;
  }

  /** Starts a region but for its voter, which the hub takes in by a plan of its own. */
  addRegion(region: string): Promise<Outcome> {
    return this.#alone(async () => {
      const { fleet } = this.#options;
      const here = fleet.processes.filter(({ spec }) => spec.region === region);
      if (this.#regions.includes(region)) return fleet.start(here);
      const drawn = await this.#redraw();
      if (!Object.hasOwn(drawn.config.regions, region)) {
        const known = Object.keys(drawn.config.regions).join(', ');
        failStack('name_unknown', `the configuration has no region "${region}" (it has ${known})`);
      }
      const ids = drawn.specs.filter((spec) => spec.region === region && spec.kind !== 'hub');
      return await this.#start(drawn, ids, [...this.#regions, region]);
    });
  }

  /** @throws MeridianError `region_wanted` while the configuration has the region. */
  async checkUnwanted(region: string): Promise<void> {
    refuseWanted((await this.#redraw()).config, region);
  }

  /** Ends what is left of a region that the configuration has no more; its nodes are gone. */
  removeRegion(region: string): Promise<Outcome> {
    return this.#alone(async () => {
      const { fleet } = this.#options;
      const drawn = await this.#redraw();
      refuseWanted(drawn.config, region);
      const members = fleet.processes.filter(({ spec }) => spec.region === region);
      const outcome = await this.#end(members);
      const left = this.#regions.filter((one) => one !== region);
      this.#take(
        drawn,
        fleet.processes.map(({ spec }) => spec.id),
        left,
      );
      return outcome;
    });
  }

  /** Starts the voter of a region, one with another disk where the instance is another. */
  startVoter(region: string, instance: number): Promise<Outcome> {
    return this.#alone(async () => {
      const { fleet, layout } = this.#options;
      const id = `${region}/store/hub`;
      const member = fleet.processes.find(({ spec }) => spec.id === id);
      if (member && voterInstance(layout, region) === instance) return fleet.start([member]);
      const { config } = await this.#redraw();
      if (!hubVoters(storeSites(config)).some((site) => site.region === region)) {
        failStack('name_unknown', `the configuration wants no voter in "${region}"`);
      }
      if (!this.#regions.includes(region)) {
        const add = `"meridian region add ${region}" starts it`;
        failStack('name_unknown', `region "${region}" does not run: ${add}`);
      }
      if (member) await this.#end([member]);
      keepVoterInstance(layout, region, instance);
      const drawn = await this.#redraw();
      const specs = drawn.specs.filter((spec) => spec.id === id);
      return await this.#start(drawn, specs, this.#regions);
    });
  }

  /** Ends a voter that the hub has taken out. One that comes later is another. */
  endVoter(region: string): Promise<Outcome> {
    return this.#alone(async () => {
      const { fleet, layout } = this.#options;
      const { config } = await this.#redraw();
      if (hubVoters(storeSites(config)).some((site) => site.region === region)) {
        failStack('region_wanted', `the configuration wants a voter in "${region}"`);
      }
      const id = `${region}/store/hub`;
      const member = fleet.processes.find(({ spec }) => spec.id === id);
      if (!member) return nothing;
      const outcome = await this.#end([member]);
      keepVoterInstance(layout, region, voterInstance(layout, region) + 1);
      return outcome;
    });
  }

  /** One phase of making a hub of three from one voter. @throws as `HubFounding` */
  found(action: FoundingAction, owner: ProcessIdentity | undefined): Promise<Outcome> {
    return this.#founding.do(action, owner);
  }

  close(): void {
    this.#founding.close();
  }

  /** While a hub is founded the file counts as it was when that began. */
  #redraw(): Promise<Blueprint> {
    const { founding, isFree } = this.#founding;
    return this.#options.redraw({ founding, again: isFree });
  }

  async #restartHub(): Promise<Outcome> {
    await this.#end(this.#hubs());
    const drawn = await this.#redraw();
    const specs = drawn.specs.filter(({ kind }) => kind === 'hub');
    return await this.#start(drawn, specs, this.#regions);
  }

  async #reloadHub(): Promise<Outcome> {
    const ids = this.#options.fleet.processes.map(({ spec }) => spec.id);
    this.#take(await this.#redraw(), ids, this.#regions);
    const hubs = this.#hubs();
    for (const member of hubs) member.reload();
    return { ...nothing, changed: hubs.map(({ spec }) => spec.id) };
  }

  /** A leaf takes its list of voters from its start: one after the other, each in a moment. */
  async #renewLeaves(): Promise<void> {
    const { fleet, graceMs, hurry } = this.#options;
    const leaves = fleet.processes.filter(({ spec }) => spec.kind === 'leaf');
    for (const leaf of leaves.filter(({ isOutdated }) => isOutdated)) {
      await fleet.stop([leaf], graceMs, hurry);
      fleet.start([leaf]);
    }
  }

  #hubs(): StackProcess[] {
    return this.#options.fleet.processes.filter(({ spec }) => spec.kind === 'hub');
  }

  async #start(
    drawn: Blueprint,
    specs: readonly ProcessSpec[],
    regions: readonly string[],
  ): Promise<Outcome> {
    const { fleet } = this.#options;
    const isNew = ({ id }: ProcessSpec) => !fleet.processes.some(({ spec }) => spec.id === id);
    const added = specs.filter(isNew);
    await claimPorts(
      portNeeds(drawn.config, true).filter((need) =>
        added.some(({ region, kind }) => region === need.region && kind === need.kind),
      ),
    );
    const ids = new Set(specs.map(({ id }) => id));
    this.#take(drawn, [...fleet.processes.map(({ spec }) => spec.id), ...ids], regions);
    return fleet.start(fleet.processes.filter(({ spec }) => ids.has(spec.id)));
  }

  #take(drawn: Blueprint, ids: readonly string[], regions: readonly string[]): void {
    const { fleet } = this.#options;
    const kept = new Set(ids);
    const known = Object.keys(drawn.config.regions).filter((one) => regions.includes(one));
    // The file may have lost a region that still runs: of that all is as it was.
    const old = regions.filter((one) => !known.includes(one));
    this.#regions = [...known, ...old];
    this.#nodes = [
      ...stackNodes(drawn.config).filter(({ region }) => known.includes(region)),
      ...this.#nodes.filter(({ region }) => old.includes(region)),
    ];
    const record = drawn.record(known);
    const before = old.flatMap((one) => {
      const place = fleet.record.regions[one];
      return place ? [[one, place] as const] : [];
    });
    fleet.adopt(
      drawn.specs.filter(({ id }) => kept.has(id)),
      { ...record, regions: { ...record.regions, ...Object.fromEntries(before) } },
    );
  }

  async #end(members: readonly StackProcess[]): Promise<Outcome> {
    const { fleet, graceMs, hurry } = this.#options;
    const running = members.filter(({ state }) => state !== 'stopped');
    await fleet.stop(running, graceMs, hurry);
    fleet.drop(members);
    const changed = members.map(({ spec }) => spec.id);
    return { changed, unchanged: [], first: fleet.events.at(-1) };
  }

  /** Two that read the file at once could start a process twice. */
  async #alone(act: () => Promise<Outcome>, founding = false): Promise<Outcome> {
    if (this.#busy) failStack('growth_running', 'another region or voter is being changed');
    if (!founding && !this.#founding.isFree) {
      failStack('growth_running', 'the hub is being founded: "meridian store found" runs');
    }
    this.#busy = true;
    try {
      return await act();
    } finally {
      this.#busy = false;
    }
  }
}

function refuseWanted({ regions }: Config, region: string): void {
  if (!Object.hasOwn(regions, region)) return;
  failStack('region_wanted', `the configuration still has region "${region}"`);
}
