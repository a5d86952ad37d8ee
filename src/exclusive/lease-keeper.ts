import type { Clock } from '../base/clock.ts';
import { isStoreError } from '../store/errors.ts';
import type { Bucket } from '../store/store.ts';
import type { LeaseWrite } from './lease-action.ts';
import { encodeLease, type LeaseDocument, parseLease, tokenOf } from './lease-document.ts';
import { LeaseMachine } from './lease-machine.ts';
import type { Facts, LeaseSettings } from './lease-rules.ts';

/** What gateways and name servers of the node go by. */
export interface Claim {
  /** Monotonic end of the own claim; `-Infinity`: none, `Infinity`: it holds. */
  readonly untilMs: number;
  /** Of the own tenure, the last that there was; 0: none. */
  readonly token: number;
  /** The last other region that was known to be active. */
  readonly other: string | undefined;
}

export interface LeaseStatus {
  readonly name: string;
  /** Whether the own region is active at this node. */
  readonly active: boolean;
  /** The region that is active as far as this node knows. */
  readonly activeRegion: string | undefined;
  /** Why this node is what it is, for people. */
  readonly reason: string;
  /** Fencing token of the tenure that was seen last. */
  readonly token: number | undefined;
  /** Wall time at which that began, milliseconds since 1970. */
  readonly sinceWallMs: number | undefined;
  /** Nodes of the holder that may be active. */
  readonly nodes: readonly string[];
  /** Who is to have it next. */
  readonly to: string | undefined;
  /** Until the own claim ends, unless it is renewed; `Infinity`: it holds. */
  readonly endsInMs: number | undefined;
  /** How often the active region became another one since the start of the node. */
  readonly changes: number;
}

export interface LeaseKeeperOptions {
  readonly settings: LeaseSettings;
  readonly region: string;
  readonly node: string;
  readonly bucket: Pick<Bucket, 'get' | 'create' | 'update'>;
  readonly clock: Clock;
  facts(): Facts;
  publish(claim: Claim): void;
  /** Who is active is not who it was, or this node no longer is, or is again. */
  onChange(status: LeaseStatus): void;
}

/** Does for one machine what it asks of the store, and tells the threads what comes of it. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #machine: LeaseMachine;
  #told = '';
  #toldRegion: string | undefined;
  #changes = 0;
  #closed = false;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#machine = new LeaseMachine(options);
  }

  get #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  /** Whether the store has this node among those that may be active, as far as is known. */
  get listed(): boolean {
    const { holder, nodes = {} } = this.#machine.document ?? {};
    return holder === this.#options.region && Object.hasOwn(nodes, this.#options.node);
  }

  /** The highest revision that was ever seen. */
  get highestRevision(): number {
    return this.#machine.highestRevision;
  }

  get settings(): LeaseSettings {
    return this.#machine.settings;
  }

  /** Nodes in it that hold, and have not renewed for so long that they are not heard any more. */
  silentIn({ nodes }: LeaseDocument): string[] {
    const known = this.#machine.document?.nodes;
    return this.#machine
      .silentHolders(this.#nowMs)
      .filter((name) => nodes[name]?.hold && nodes[name].follows === known?.[name]?.follows);
  }

  reconfigure(settings: LeaseSettings): void {
    this.#machine.reconfigure(settings);
    this.publish();
  }

  tick(): void {
    const action = this.#machine.tick(this.#nowMs, this.#options.facts());
    // Before anything is sent: who gives it up has stopped by then.
    this.publish();
    if (action?.kind === 'read') void this.#read();
    else if (action) void this.#write(action);
  }

  /** The store holds this. `undefined`: nothing, or nothing that can be read. */
  observe(revision: number, value: Uint8Array | undefined): void {
    const document = value && parseLease(value);
    this.#machine.observe({ revision, document }, this.#nowMs);
    this.publish();
  }

  interrupted(): void {
    this.#machine.interrupted();
    this.publish();
  }

  /** Tells everybody again what holds, such as tables that are new. */
  publish(): void {
    if (this.#closed) return;
    const { untilMs, token, other } = this.#machine;
    this.#options.publish({ untilMs, token, other });
    this.#tellChange();
  }

  status(): LeaseStatus {
    const machine = this.#machine;
    const nowMs = this.#nowMs;
    const active = machine.activeAt(nowMs);
    const { document, entry } = machine;
    return {
      name: machine.settings.name,
      active,
      activeRegion: active ? this.#options.region : machine.other,
      reason: machine.reasonAt(nowMs),
      token: entry && tokenOf(entry),
      sinceWallMs: document?.since,
      nodes: Object.keys(document?.nodes ?? {}),
      to: document?.to,
      endsInMs: active ? machine.untilMs - nowMs : undefined,
      changes: this.#changes,
    };
  }

  /** From now on nobody is active by its word. */
  close(): void {
    this.#closed = true;
    this.#options.publish({ untilMs: Number.NEGATIVE_INFINITY, token: 0, other: undefined });
  }

  async #read(): Promise<void> {
    const { bucket, settings } = this.#options;
    try {
      const entry = await bucket.get(settings.name, { from: 'leader' });
      const { revision = 0, value } = entry ?? {};
      this.#machine.read({ revision, document: value && parseLease(value) }, this.#nowMs);
    } catch {
      this.#machine.read(undefined, this.#nowMs);
    }
    this.publish();
  }

  async #write(action: LeaseWrite): Promise<void> {
    const { bucket, settings } = this.#options;
    try {
      const value = encodeLease(action.document);
      const { expectedRevision } = action;
      // What was deleted has a revision that no read tells.
      const revision =
        expectedRevision === 0
          ? await bucket.create(settings.name, value)
          : await bucket.update(settings.name, value, expectedRevision);
      this.#machine.wrote({ kind: 'confirmed', revision }, this.#nowMs);
    } catch (error) {
      const isConflict =
        isStoreError(error, 'revision_mismatch') || isStoreError(error, 'key_exists');
      this.#machine.wrote({ kind: isConflict ? 'conflict' : 'unknown' }, this.#nowMs);
    }
    this.publish();
  }

  #tellChange(): void {
    const { entry, document, other } = this.#machine;
    const active = this.#machine.activeAt(this.#nowMs);
    const region = active ? this.#options.region : other;
    const told = `${active} ${region} ${entry && tokenOf(entry)} ${document?.to}`;
    if (told === this.#told) return;
    const isFirst = this.#told === '';
    if (region !== this.#toldRegion && this.#toldRegion !== undefined) this.#changes++;
    this.#told = told;
    this.#toldRegion = region;
    if (!isFirst || active || region !== undefined) this.#options.onChange(this.status());
  }
}
