import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeridianError, messageOf } from '../base/errors.ts';
import { hubVoters, storeSites } from '../store/nats-server/sites.ts';
import { type Hub, isWhole } from '../store/voters/hub.ts';
import { HubServers } from '../store/voters/hub-servers.ts';
import { restoreHub, saveHub } from '../store/voters/saved-hub.ts';
import type { FoundStack } from './control/client.ts';
import { failStack } from './errors.ts';
import { openStackHub, type StackHub } from './stack-hub.ts';

type Tell = (event: string, detail?: string) => void;

const togetherWithinMs = 40_000;
const lookEveryMs = 300;

/**
 * Makes a hub of three or five from the one voter of a stack that serves. From `held` to
 * `open` no write is confirmed, so what was saved is all that there is; until `open` the one
 * voter's data is as it was, and any failure has it go on.
 */
export class Founding {
  readonly #hub: StackHub;
  readonly #servers: HubServers;
  readonly #folder: string;
  readonly #voters: readonly string[];

  private constructor(hub: StackHub, stack: FoundStack) {
    this.#hub = hub;
    this.#servers = new HubServers({
      voters: hub.urls.map((url) => ({ url })),
      secret: hub.secret,
    });
    this.#folder = join(stack.layout.directory, `saved-hub-${Date.now()}`);
    this.#voters = hubVoters(storeSites(hub.config)).map(({ region }) => region);
  }

  static async open(stack: FoundStack): Promise<Founding> {
    const hub = await openStackHub(stack);
    const founding = new Founding(hub, stack);
    const absent = founding.#voters.find((region) => !stack.record.regions[region]);
    if (absent === undefined) return founding;
    await founding.close();
    return failStack('name_unknown', `region "${absent}" does not run: "meridian region add" it`);
  }

  async look(): Promise<{ voters: readonly string[]; streams: number; alone: boolean }> {
    const alone = await this.#hub.isAlone();
    const { streams } = await this.#servers.look();
    return { voters: this.#voters, streams: streams.length, alone };
  }

  /** @throws MeridianError `hub_of_one`, `founding_failed` */
  async run(stop: AbortSignal, onEvent: Tell): Promise<void> {
    const tell: Tell = (event, detail) => {
      onEvent(event, detail);
      if (stop.aborted) throw new Error('it was stopped');
    };
    if (this.#voters.length < 3) {
      failStack('hub_of_one', 'the configuration wants one voter: add regions to it');
    }
    try {
      await this.#hub.found('close');
      tell('held', 'writes wait from here');
      await this.#until('the closed voter', (hub) => !hub.clustered && hub.streams.length > 0);
      await saveHub(await this.#servers.operator(), this.#folder, ({ name, last }) =>
        tell('saved', `${name} up to ${last}`),
      );
      await this.#hub.found('begin');
      tell('begun', this.#voters.join(', '));
      const { length } = this.#voters;
      await this.#until('the new voters', ({ leader, members }) => {
        return leader !== undefined && members.filter(isWhole).length === length;
      });
      await restoreHub(await this.#servers.operator(), this.#folder, length, ({ name, last }) =>
        tell('restored', `${name} up to ${last}`),
      );
      await this.#until('all copies', ({ streams }) =>
        streams.every(({ leader, copies }) => {
          return leader !== undefined && copies.length === length && copies.every(isWhole);
        }),
      );
    } catch (error) {
      await this.#hub.found('undo').catch(() => undefined);
      throw new MeridianError(
        'founding_failed',
        `${messageOf(error)}; the one voter goes on as before`,
        { cause: error },
      );
    }
    await this.#hub.found('open');
    onEvent('open', `what was saved stays in ${this.#folder}`);
  }

  close(): Promise<void> {
    return this.#servers.close();
  }

  async #until(what: string, holds: (hub: Hub) => boolean): Promise<void> {
    const deadlineMs = performance.now() + togetherWithinMs;
    let why = '';
    while (performance.now() < deadlineMs) {
      try {
        if (holds(await this.#servers.look())) return;
      } catch (error) {
        why = ` (${messageOf(error)})`;
      }
      await sleep(lookEveryMs);
    }
    failStack('not_ready', `waited ${togetherWithinMs / 1_000} s for ${what}${why}`);
  }
}
