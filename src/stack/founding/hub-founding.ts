import { rmSync } from 'node:fs';
import type { Clock } from '../../base/clock.ts';
import type { Config } from '../../config/schema/config.ts';
import { hubVoters, storeSites } from '../../store/nats-server/sites.ts';
import type { ControlRequest } from '../control/protocol.ts';
import { failStack } from '../errors.ts';
import type { Outcome } from '../fleet.ts';
import { type Founding, loneVoter, voterFolder } from '../plan/voters.ts';
import type { ProcessIdentity } from '../processes/identity.ts';
import type { StackLayout } from '../state/layout.ts';
import { keepVoterInstance, voterInstance } from '../state/voter-instance.ts';
import { FoundingHold } from './founding-hold.ts';

export type FoundingAction = Extract<ControlRequest, { operation: 'founding' }>['action'];

export interface HubFoundingOptions {
  readonly layout: StackLayout;
  readonly clock: Pick<Clock, 'after'>;
  /** Those that run. */
  regions(): readonly string[];
  redraw(): Promise<{ readonly config: Config }>;
  /** Ends all voters, and starts those that there are to be by now. */
  restartHub(): Promise<Outcome>;
  /** Has leaves that run know the voters that there are to be by now. */
  renewLeaves(): Promise<void>;
  /** Has all voters read their files again. */
  reloadHub(): Promise<Outcome>;
  /** @throws MeridianError `growth_running` while something else is changed. */
  alone(act: () => Promise<Outcome>): Promise<Outcome>;
  /** It was undone, or done to its end, without a word of who had begun it. */
  onLeft(outcome: Outcome): void;
}

const nothing: Outcome = { changed: [], unchanged: [], first: undefined };

/**
 * The supervisor's part of making a hub of three from one voter, phase by phase as the command
 * asks for them (`Founding`). Who asks and dies leaves no writes held: see `FoundingHold`.
 */
export class HubFounding {
  readonly #options: HubFoundingOptions;
  readonly #hold: FoundingHold;

  constructor(options: HubFoundingOptions) {
    this.#options = options;
    this.#hold = new FoundingHold({ clock: options.clock, onLeft: () => this.#leave() });
  }

  get isFree(): boolean {
    return this.#hold.isFree;
  }

  /** What the voters are to be now. */
  get founding(): Founding | undefined {
    return this.#hold.founding;
  }

  /**
   * @throws MeridianError `founding_running` while another process does it, `founding_over` for
   *   one whose own was ended by the stack, `hub_not_alone`, `name_unknown`
   */
  async do(action: FoundingAction, owner: ProcessIdentity | undefined): Promise<Outcome> {
    const { alone } = this.#options;
    if (action === 'look' || !owner) return await alone(() => this.#look());
    if (action === 'close') return await alone(() => this.#close(owner));
    this.#hold.hear(owner);
    switch (action) {
      case 'hold':
        return nothing;
      case 'begin':
        return await alone(() => this.#begin());
      case 'open':
        return await alone(() => this.#open());
      case 'undo':
        return await alone(() => this.#undo());
    }
  }

  close(): void {
    this.#hold.release();
  }

  async #look(): Promise<Outcome> {
    const lone = loneVoter((await this.#options.redraw()).config, this.#options.layout);
    return { ...nothing, unchanged: lone ? [lone.region] : [] };
  }

  async #close(owner: ProcessIdentity): Promise<Outcome> {
    this.#hold.checkFree();
    const { layout, redraw, regions, restartHub } = this.#options;
    const { config } = await redraw();
    if (!loneVoter(config, layout)) {
      return failStack('hub_not_alone', 'this stack has no voter that runs alone');
    }
    const absent = wantedVoters(config).find((region) => !regions().includes(region));
    if (absent !== undefined) {
      failStack('name_unknown', `region "${absent}" does not run: "meridian region add" it`);
    }
    this.#hold.take(owner);
    rmSync(layout.founding, { recursive: true, force: true });
    return await restartHub();
  }

  async #begin(): Promise<Outcome> {
    this.#hold.pass('closed', 'new');
    await this.#clear();
    const outcome = await this.#options.restartHub();
    await this.#options.renewLeaves();
    return outcome;
  }

  /** From the moment that the number is on disk there are three voters, whatever happens. */
  async #open(): Promise<Outcome> {
    this.#hold.require('new');
    const { layout, redraw } = this.#options;
    const lone = loneVoter((await redraw()).config, layout);
    if (lone) keepVoterInstance(layout, lone.region, voterInstance(layout, lone.region) + 1);
    this.#hold.pass('new', 'made');
    return await this.#letIn();
  }

  async #letIn(): Promise<Outcome> {
    const outcome = await this.#options.reloadHub();
    this.#hold.release();
    return outcome;
  }

  /** The one voter goes on as before, and nothing stays of the others. */
  async #undo(): Promise<Outcome> {
    this.#hold.back();
    const outcome = await this.#options.restartHub();
    await this.#clear();
    rmSync(this.#options.layout.founding, { recursive: true, force: true });
    this.#hold.release();
    return outcome;
  }

  async #leave(): Promise<void> {
    const { alone, onLeft } = this.#options;
    onLeft(await alone(() => (this.#hold.isMade ? this.#letIn() : this.#undo())));
  }

  /** Of voters that are to begin with nothing: what an attempt before may have left. */
  async #clear(): Promise<void> {
    const { layout, redraw } = this.#options;
    const { config } = await redraw();
    const lone = loneVoter(config, layout)?.region;
    if (lone === undefined) return;
    for (const region of wantedVoters(config)) {
      const instance = voterInstance(layout, region) + (region === lone ? 1 : 0);
      rmSync(voterFolder(layout, region, instance), { recursive: true, force: true });
    }
  }
}

function wantedVoters(config: Config): string[] {
  return hubVoters(storeSites(config)).map(({ region }) => region);
}
