import type { Clock } from '../../base/clock.ts';
import { inSlices } from '../../base/steps.ts';
import type { Config } from '../../config/schema/config.ts';
import { type NameServerAddress, nameServerOf } from '../../config/schema/server-address.ts';
import { parseName } from '../wire/name.ts';
import { askPrimary, type PrimaryAnswer } from './ask-primary.ts';
import {
  type KeptZone,
  type SecondaryHost,
  type SecondarySettings,
  SecondaryZone,
} from './secondary-zone.ts';
import type { TransferRules } from './transfer-rules.ts';
import { readTransferredZone } from './transferred-zone.ts';
import type { TransferredZone, TransferredZones } from './zone-image.ts';

/** Zones asked for at a time: each may bring 64 MiB. */
const atATime = 4;
/** How long the rest of the node waits while a zone is looked at. */
const sliceMs = 5;

export interface SecondariesOptions {
  readonly clock: Clock;
  /** [0, 1); default `Math.random`. */
  readonly random?: () => number;
  /** Address that questions come from, for primaries of its family; `undefined`: as the system chooses. */
  from(primary: NameServerAddress): string | undefined;
  keep(name: string, kept: KeptZone, isNew: boolean): void;
  /** There is something else to serve, of any zone. */
  changed(zone: SecondaryZone, why: 'transferred' | 'expired'): void;
  /** The last check of a zone failed in a new way. */
  troubled(zone: SecondaryZone, problem: string): void;
}

/** All zones that come from elsewhere, each on its own time. */
export class Secondaries {
  readonly #options: SecondariesOptions;
  readonly #zones = new Map<string, SecondaryZone>();
  readonly #waiting: (() => void)[] = [];
  #asking = 0;

  constructor(options: SecondariesOptions) {
    this.#options = options;
  }

  /** What is to be served of them; a zone of which nothing was ever had is missing. */
  get served(): TransferredZones {
    const served: Record<string, TransferredZone | 'expired'> = {};
    for (const { name, served: zone } of this.#zones.values()) if (zone) served[name] = zone;
    return served;
  }

  status() {
    return [...this.#zones.values()].map((zone) => zone.status());
  }

  /**
   * Of another configuration from now on. Zones that stay keep what they have.
   *
   * @param kept what a restart left of a zone
   */
  update(
    config: Pick<Config, 'zones'>,
    { keys }: Pick<TransferRules, 'keys'>,
    kept: ReadonlyMap<string, KeptZone> = new Map(),
  ): void {
    const wanted = new Map<string, SecondarySettings>();
    for (const [name, { secondary, dnssec }] of Object.entries(config.zones)) {
      if (!secondary) continue;
      const key = secondary.key === undefined ? undefined : keys.get(parseName(secondary.key).key);
      const primaries = secondary.primaries.map(nameServerOf);
      const isSignedHere = dnssec !== undefined;
      wanted.set(name, { name, apex: parseName(name), primaries, key, isSignedHere });
    }
    for (const [name, zone] of this.#zones) {
      if (wanted.has(name)) continue;
      zone.close();
      this.#zones.delete(name);
    }
    for (const [name, settings] of wanted) {
      const zone = this.#zones.get(name);
      if (zone) zone.update(settings);
      else this.#zones.set(name, new SecondaryZone(settings, this.#host, kept.get(name)));
    }
  }

  /** Zones without a timer get one: those that `update` has brought. */
  start(): void {
    for (const zone of this.#zones.values()) zone.start();
  }

  /** A primary told of something new; who may do so was looked at. */
  notified(name: string, source: string): void {
    this.#zones.get(name)?.notified(source);
  }

  close(): void {
    for (const zone of this.#zones.values()) zone.close();
  }

  get #host(): SecondaryHost {
    const { clock, random = Math.random, keep, changed, troubled } = this.#options;
    return {
      ...{ clock, random, keep, changed, troubled },
      ask: (...question) => this.#ask(...question),
    };
  }

  /** What comes back as newer was looked at whole, as those who serve it will. */
  async #ask(
    { apex, key, isSignedHere }: SecondarySettings,
    { address, port }: NameServerAddress,
    serial: number | undefined,
    signal: AbortSignal,
  ): Promise<PrimaryAnswer> {
    const { clock, from } = this.#options;
    await this.#turn();
    try {
      // Given up while it waited: the next one has its turn.
      signal.throwIfAborted();
      const primary = { address, port, from: from({ address, port }) };
      const answer = await askPrimary({ apex, key, isSignedHere, serial, primary, clock, signal });
      if (answer.kind === 'newer') {
        const goesOn = () => signal.throwIfAborted();
        await inSlices(readTransferredZone(apex, answer.image), sliceMs, goesOn);
      }
      return answer;
    } finally {
      this.#asking--;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#asking >= atATime) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#asking++;
  }
}
