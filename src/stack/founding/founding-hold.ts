import type { Clock, Timer } from '../../base/clock.ts';
import { failStack } from '../errors.ts';
import type { Founding } from '../plan/voters.ts';
import { formatIdentity, isAlive, type ProcessIdentity } from '../processes/identity.ts';

const lookEveryMs = 1_000;
/** Of looks, not of time: who was frozen together with its process finds it as it left it. */
const silentLooks = 30;

export interface FoundingHoldOptions {
  readonly clock: Pick<Clock, 'after'>;
  /** Its process is gone or silent. Called again a second later where it fails. */
  readonly onLeft: () => Promise<unknown>;
  readonly isAlive?: (owner: ProcessIdentity) => boolean;
}

/**
 * Whose the founding of a hub is, and how far it came. Nobody can write meanwhile, so it is held
 * for a process only while that lives and says so:
 *
 *   free ──take──▶ closed ──▶ new ──▶ made ──release──▶ free
 *    ▲                │         │       └── no way leads back: it is done to its end
 *    └─release─ undone ◀────────┘
 *
 * `onLeft` is called when the process is gone, or silent for 30 s, in whatever phase.
 */
export class FoundingHold {
  readonly #options: FoundingHoldOptions;
  #phase: 'free' | 'closed' | 'new' | 'undone' | 'made' = 'free';
  #owner: ProcessIdentity | undefined;
  #quiet = 0;
  #timer: Timer | undefined;

  constructor(options: FoundingHoldOptions) {
    this.#options = options;
  }

  get isFree(): boolean {
    return this.#phase === 'free';
  }

  /** Whether the way back is cut off. */
  get isMade(): boolean {
    return this.#phase === 'made';
  }

  /** What the voters are to be now. */
  get founding(): Founding | undefined {
    return this.#phase === 'closed' || this.#phase === 'new' ? this.#phase : undefined;
  }

  /** @throws MeridianError `founding_running` unless it is free. */
  checkFree(): void {
    if (!this.#owner) return;
    const end = 'its end or death undoes what it began, within a minute';
    failStack('founding_running', `process ${this.#owner.pid} founds the hub already; ${end}`);
  }

  take(owner: ProcessIdentity): void {
    this.checkFree();
    this.#phase = 'closed';
    this.#owner = owner;
    this.#quiet = 0;
    this.#timer = this.#options.clock.after(lookEveryMs, () => void this.#look());
  }

  /** A sign of life. @throws MeridianError `founding_over` for who holds nothing (any more). */
  hear(owner: ProcessIdentity): void {
    if (!this.#owner || formatIdentity(owner) !== formatIdentity(this.#owner)) {
      failStack('founding_over', 'the founding of the hub was ended by the stack');
    }
    this.#quiet = 0;
  }

  /** @throws MeridianError `founding_over` where it is not at `from` */
  pass(from: 'closed' | 'new', to: 'new' | 'made'): void {
    this.require(from);
    this.#phase = to;
  }

  /** @throws MeridianError `founding_over` */
  require(phase: 'closed' | 'new'): void {
    if (this.#phase === phase) return;
    failStack('founding_over', `the founding of the hub is not at that step, but ${this.#phase}`);
  }

  /** To the one voter; the writes wait still. */
  back(): void {
    if (this.isMade) failStack('founding_over', 'the hub is founded: nothing leads back');
    if (!this.isFree) this.#phase = 'undone';
  }

  release(): void {
    this.#phase = 'free';
    this.#owner = undefined;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { clock, onLeft, isAlive: lives = isAlive } = this.#options;
    const owner = this.#owner;
    this.#quiet += 1;
    if (owner && (this.#quiet > silentLooks || !lives(owner))) {
      await onLeft().catch(() => undefined);
    }
    if (this.isFree || this.#owner !== owner) return;
    this.#timer = clock.after(lookEveryMs, () => void this.#look());
  }
}
