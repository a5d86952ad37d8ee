import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeridianError, messageOf } from '../../base/errors.ts';
import { hubVoters, storeSites } from '../../store/nats-server/sites.ts';
import { type Hub, isWhole } from '../../store/voters/hub.ts';
import { HubServers } from '../../store/voters/hub-servers.ts';
import { restoreHub, saveHub } from '../../store/voters/saved-hub.ts';
import type { FoundStack } from '../control/client.ts';
import { failStack } from '../errors.ts';
import { openStackHub, type StackHub } from '../stack-hub.ts';
import type { StackLayout } from '../state/layout.ts';

type Tell = (event: string, detail?: string) => void;

/** Without any voter of the new hub, or any copy, that became whole meanwhile. */
const togetherWithinMs = 120_000;
const lookEveryMs = 300;
const holdEveryMs = 3_000;

/**
 * Makes a hub of three or five from the one voter of a stack that serves. From `held` to
 * `open` no write is confirmed, so what was saved is all that there is; until `open` the one
 * voter's data is as it was, and any failure has it go on. The stack has it go on by itself
 * when this process is gone or says nothing for 30 s, and refuses its further phases then.
 */
export class Founding {
  readonly #hub: StackHub;
  readonly #servers: HubServers;
  readonly #layout: StackLayout;
  readonly #voters: readonly string[];

  private constructor(hub: StackHub, { layout }: FoundStack) {
    this.#hub = hub;
    this.#servers = new HubServers({
      voters: hub.urls.map((url) => ({ url })),
      secret: hub.secret,
    });
    this.#layout = layout;
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

  /** @throws MeridianError `hub_of_one`, `founding_running`, `founding_failed` */
  async run(stop: AbortSignal, onEvent: Tell): Promise<void> {
    if (this.#voters.length < 3) {
      failStack('hub_of_one', 'the configuration wants one voter: add regions to it');
    }
    await this.#hub.found('close');
    const lost = new AbortController();
    const holding = setInterval(() => {
      this.#hub.found('hold').catch((error: unknown) => lost.abort(error));
    }, holdEveryMs);
    const check = () => {
      if (stop.aborted) throw new Error('it was stopped');
      lost.signal.throwIfAborted();
    };
    try {
      await this.#make(onEvent, check).catch((error: unknown) => this.#undo(error));
      await this.#hub.found('open').catch((error: unknown) => failUnknown(error));
    } finally {
      clearInterval(holding);
    }
    const saved = join(this.#layout.directory, `saved-hub-${Date.now()}`);
    renameSync(this.#layout.founding, saved);
    onEvent('open', `what was saved stays in ${saved}`);
  }

  close(): Promise<void> {
    return this.#servers.close();
  }

  /** Of the closed voter, three that have all that it had, and let nobody in. */
  async #make(onEvent: Tell, check: () => void): Promise<void> {
    const { founding: folder } = this.#layout;
    const tell: Tell = (event, detail) => {
      onEvent(event, detail);
      check();
    };
    const { length } = this.#voters;
    tell('held', 'writes wait from here');
    await this.#until('the closed voter', check, (hub) => !hub.clustered && hub.streams.length > 0);
    await saveHub(
      () => this.#servers.operator(),
      folder,
      ({ name, last }) => tell('saved', `${name} up to ${last}`),
    );
    await this.#hub.found('begin');
    tell('begun', this.#voters.join(', '));
    await this.#until('the new voters', check, ({ leader, members }) => {
      return leader !== undefined && members.filter(isWhole).length === length;
    });
    await restoreHub(() => this.#servers.operator(), folder, {
      replicas: length,
      continues: true,
      onRestored: ({ name, last }) => tell('restored', `${name} up to ${last}`),
    });
    await this.#until('all copies', check, ({ streams }) =>
      streams.every(({ leader, copies }) => {
        return leader !== undefined && copies.length === length && copies.every(isWhole);
      }),
    );
  }

  async #undo(cause: unknown): Promise<never> {
    const sequel = await this.#hub.found('undo').then(
      () => 'the one voter goes on as before',
      (error: unknown) => `the stack has the one voter go on within a minute (${messageOf(error)})`,
    );
    throw new MeridianError(
      'founding_failed',
      `${messageOf(cause).replace(/\.$/, '')}; ${sequel}`,
      { cause },
    );
  }

  async #until(what: string, check: () => void, holds: (hub: Hub) => boolean): Promise<void> {
    let sinceMs = performance.now();
    let seen = '';
    for (let why = ''; ; await sleep(lookEveryMs)) {
      check();
      try {
        const hub = await this.#servers.look();
        if (holds(hub)) return;
        const state = JSON.stringify(hub);
        if (state !== seen) sinceMs = performance.now();
        seen = state;
        why = '';
      } catch (error) {
        why = ` (${messageOf(error)})`;
      }
      if (performance.now() - sinceMs < togetherWithinMs) continue;
      failStack('not_ready', `waited ${togetherWithinMs / 1_000} s for ${what}${why}`);
    }
  }
}

function failUnknown(cause: unknown): never {
  const sequel = 'within a minute the hub is founded, or the one voter goes on as before';
  throw new MeridianError(
    'founding_failed',
    `${messageOf(cause)}; ${sequel}: "meridian store plan" tells`,
    { cause },
  );
}
