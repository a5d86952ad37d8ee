import { isIPv6 } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { Config } from '../../config/schema/config.ts';
import { type NameServerAddress, nameServerOf } from '../../config/schema/server-address.ts';
import { Notifier, type NotifyTarget } from '../../dns/transfer/notifier.ts';
import { Secondaries } from '../../dns/transfer/secondaries.ts';
import { type TransferRules, transferRules } from '../../dns/transfer/transfer-rules.ts';
import type { TransferredZones } from '../../dns/transfer/zone-image.ts';
import { parseName } from '../../dns/wire/name.ts';
import type { Log } from '../../observability/log.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { servesTraffic } from '../data-plane/listeners.ts';
import { TransferredFiles } from './transferred-files.ts';
import { type ZoneOffer, ZoneOffers } from './zone-offers.ts';

export interface ZoneTransfersOptions {
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
}

type Needed = Pick<Configuration, 'config' | 'own' | 'material' | 'serial'>;

/** Of a start: these have nothing to do with zones. */
const socketErrors: ReadonlySet<string> = new Set(['address_in_use', 'listen_failed']);

/**
 * Zones on their way between this node and other name servers: taken from primaries, kept on disk,
 * handed to the threads; and secondaries told of what is new.
 *
 *   primaries ─▶ Secondaries ─┬─▶ disk
 *                             └─▶ name server threads, all at once ─▶ Notifier ─▶ secondaries
 *   configuration ────────────────▶ name server threads ─────────────────┘
 */
export class ZoneTransfers {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #files: TransferredFiles;
  readonly #secondaries: Secondaries;
  readonly #notifier: Notifier;
  readonly #offers = new ZoneOffers();
  #configuration: Needed;
  #serve: ((zones: () => TransferredZones) => Promise<void>) | undefined;
  #updating: Promise<void> = Promise.resolve();
  #isOffering = false;
  #retry: Timer | undefined;
  #closed = false;

  private constructor(options: ZoneTransfersOptions, configuration: Needed) {
    const { log, clock, stateDirectory } = options;
    this.#log = log;
    this.#clock = clock;
    this.#configuration = configuration;
    this.#files = new TransferredFiles(stateDirectory, log);
    const from = (server: NameServerAddress) => this.#addressFor(server);
    this.#secondaries = new Secondaries({
      clock,
      from,
      keep: (name, kept, isNew) => this.#files.keep(name, kept, isNew),
      changed: (zone, why) => {
        const { serial, records, primary } = zone.status();
        if (why === 'expired') log.error('zone expired', { zone: zone.name });
        else log.info('zone transferred', { zone: zone.name, serial, records, primary });
        void this.#offer();
      },
      troubled: ({ name, state }, reason) =>
        log.warn('zone could not be refreshed', { zone: name, state, reason }),
    });
    this.#notifier = new Notifier({
      clock,
      from,
      unacknowledged: ({ zone, server: { address, port }, serial }, reason) =>
        log.warn('secondary does not acknowledge a change', {
          ...{ zone, secondary: `${address}:${port}`, serial, reason },
        }),
    });
  }

  /** With what the disk has of them. */
  static async load(options: ZoneTransfersOptions, configuration: Needed): Promise<ZoneTransfers> {
    const transfers = new ZoneTransfers(options, configuration);
    const names = secondaryNames(configuration);
    await transfers.#files.removeOthers(names);
    const kept = await transfers.#files.read(names);
    transfers.#secondaries.update(zonesOf(configuration), rulesOf(configuration), kept);
    return transfers;
  }

  /** What is to be served now. */
  get served(): TransferredZones {
    return this.#secondaries.served;
  }

  /** What does not work as it should, a sentence each. */
  get troubles(): readonly string[] {
    const unwell = this.#secondaries.status().flatMap(({ zone, state, problem }) => {
      if (state === 'expired')
        return [`the zone ${zone} has expired: ${problem ?? 'not refreshed'}`];
      if (state === 'empty' && problem) return [`the zone ${zone} has not come yet: ${problem}`];
      if (state === 'stale') return [`the zone ${zone} could not be refreshed: ${problem}`];
      return [];
    });
    const refused = this.#offers.refusals().map(([zone, reason]) => notServed(zone, reason));
    const { trouble } = this.#files;
    return [...unwell, ...refused, ...(trouble === undefined ? [] : [trouble])];
  }

  status() {
    return { secondaries: this.#secondaries.status(), notifications: this.#notifier.status() };
  }

  /**
   * Starts what serves, with what the disk has. Where that cannot be served it starts with nothing
   * of it: then the disk counts no more, and primaries are asked for all.
   */
  async startWith<T>(start: (zones: TransferredZones) => Promise<T>): Promise<T> {
    const { served } = this;
    try {
      const started = await start(served);
      this.#offers.begin(served);
      return started;
    } catch (error) {
      const isOther = socketErrors.has(codeOf(error) ?? '') || Object.keys(served).length === 0;
      if (isOther) throw error;
      const started = await start({});
      const zones = Object.keys(served).join(', ');
      const reason = messageOf(error);
      this.#log.error('transferred zones on disk cannot be served: dropped', { zones, reason });
      const rules = rulesOf(this.#configuration);
      this.#secondaries.update({ zones: {} }, rules);
      this.#secondaries.update(zonesOf(this.#configuration), rules);
      await this.#files.removeOthers([]);
      return started;
    }
  }

  /** Name servers listen: primaries are asked, and secondaries told. */
  start(serve: (zones: () => TransferredZones) => Promise<void>): void {
    this.#serve = serve;
    this.#secondaries.start();
    this.#notify();
  }

  /** Another configuration serves. Zones that it brings may be on disk from before. */
  update(configuration: Configuration): void {
    this.#updating = this.#updating.then(async () => {
      if (this.#closed) return;
      const before = new Set(secondaryNames(this.#configuration));
      this.#configuration = configuration;
      const names = secondaryNames(configuration);
      const added = names.filter((name) => !before.has(name));
      const kept = await this.#files.read(added);
      if (this.#closed) return;
      this.#secondaries.update(zonesOf(configuration), rulesOf(configuration), kept);
      this.#secondaries.start();
      void this.#offer();
      this.#notify();
    });
  }

  notified(zone: string, source: string): void {
    this.#secondaries.notified(zone, source);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    this.#secondaries.close();
    this.#notifier.close();
    await this.#updating;
    await this.#files.close();
  }

  /** Until name servers have all that they can take in. One offer at a time has what came meanwhile. */
  async #offer(): Promise<void> {
    const serve = this.#serve;
    if (!serve || this.#isOffering) return;
    this.#isOffering = true;
    this.#retry?.cancel();
    while (!this.#closed && this.#isDue()) await this.#offerOnce(serve);
    this.#isOffering = false;
    const nextMs = this.#offers.nextMs(this.served);
    if (this.#closed || nextMs === undefined) return;
    this.#retry = this.#clock.after(nextMs - this.#clock.monotonicMs(), () => void this.#offer());
  }

  async #offerOnce(serve: (zones: () => TransferredZones) => Promise<void>): Promise<void> {
    let offer: ZoneOffer | undefined;
    try {
      await serve(() => {
        offer = this.#offers.next(this.served, this.#clock.monotonicMs());
        return offer.zones;
      });
      if (!offer) throw new TypeError('nobody asked which zones there are');
      this.#offers.taken(offer);
      this.#notify();
    } catch (error) {
      const reason = messageOf(error);
      offer ??= this.#offers.next(this.served, this.#clock.monotonicMs());
      this.#offers.refused(offer, reason, this.#clock.monotonicMs(), Math.random);
      for (const zone of offer.names) this.#log.error(notServed(zone, reason));
    }
  }

  #isDue(): boolean {
    const nextMs = this.#offers.nextMs(this.served);
    return nextMs !== undefined && nextMs <= this.#clock.monotonicMs();
  }

  #notify(): void {
    if (this.#closed) return;
    const { serial } = this.#configuration;
    const { zones } = zonesOf(this.#configuration);
    const { keys } = rulesOf(this.#configuration);
    const { served } = this.#offers;
    const targets: NotifyTarget[] = [];
    for (const [zone, { transfer, secondary }] of Object.entries(zones)) {
      if (!transfer?.notify) continue;
      const held = served[zone];
      if (secondary && typeof held !== 'object') continue;
      const key = transfer.key === undefined ? undefined : keys.get(parseName(transfer.key).key);
      const apex = parseName(zone);
      for (const text of transfer.notify) {
        const server = nameServerOf(text);
        const current = secondary && typeof held === 'object' ? held.serial : serial;
        targets.push({ zone, apex, serial: current, server, key });
      }
    }
    this.#notifier.update(targets);
  }

  /** That which name servers listen on: secondaries and primaries know this node by it. */
  #addressFor({ address }: NameServerAddress): string | undefined {
    const { bind } = this.#configuration.own;
    const isAny = bind === '0.0.0.0' || bind === '::';
    return isAny || isIPv6(bind) !== isIPv6(address) ? undefined : bind;
  }
}

function notServed(zone: string, reason: string): string {
  return `the zone ${zone} is not served as it came: ${reason}`;
}

/** A witness serves none. */
function zonesOf({ config, own }: Needed): Pick<Config, 'zones'> {
  return servesTraffic(config, own.region) ? config : { zones: {} };
}

function secondaryNames(configuration: Needed): string[] {
  const { zones } = zonesOf(configuration);
  return Object.entries(zones).flatMap(([name, { secondary }]) => (secondary ? [name] : []));
}

function rulesOf({ config, material }: Needed): TransferRules {
  return transferRules(config, material.transferSecrets);
}
