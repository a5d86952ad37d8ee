import type { Clock, Timer } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { NameServerAddress } from '../../config/schema/server-address.ts';
import type { DomainName } from '../wire/name.ts';
import type { PrimaryAnswer } from './ask-primary.ts';
import {
  refreshDelayMs,
  retryDelayMs,
  type SecondaryTimes,
  secondaryTimes,
} from './secondary-schedule.ts';
import { addressKey } from './transfer-rules.ts';
import type { TsigKey } from './tsig-key.ts';
import type { TransferredZone, ZoneImage } from './zone-image.ts';

/** What a secondary zone is taken from. */
export interface SecondarySettings {
  readonly name: string;
  readonly apex: DomainName;
  readonly primaries: readonly NameServerAddress[];
  readonly key: TsigKey | undefined;
  readonly isSignedHere: boolean;
}

/** A zone that was had before, and when a primary last said that it is the newest. */
export interface KeptZone {
  readonly image: ZoneImage;
  /** Of the wall clock. */
  readonly confirmedAtMs: number;
}

export interface SecondaryHost {
  readonly clock: Clock;
  /** [0, 1) */
  readonly random: () => number;
  /**
   * Asks one primary; what comes back as newer can be served. Rejects with why not.
   *
   * @param signal nobody waits for the answer any more
   */
  ask(
    settings: SecondarySettings,
    primary: NameServerAddress,
    serial: number | undefined,
    signal: AbortSignal,
  ): Promise<PrimaryAnswer>;
  /** Keeps it for a restart. Told of its own troubles. */
  keep(name: string, kept: KeptZone, isNew: boolean): void;
  /** There is something else to serve. */
  changed(zone: SecondaryZone, why: 'transferred' | 'expired'): void;
  /** Once for each time that it begins. */
  troubled(zone: SecondaryZone, problem: string): void;
}

/** `empty`: never had; `stale`: the last check failed, and the zone counts on. */
export type SecondaryState = 'empty' | 'current' | 'stale' | 'expired';

/** From one check, asked for by whoever, to the next that a notification may ask for. */
const leastBetweenMs = 1_000;

/**
 * One zone that comes from primaries (RFC 1035 4.3.5, RFC 1996 4):
 *
 *           ┌─────────────── refresh due, notified ──────────────┐
 *           ▼                                                     │
 *   empty ─▶ ask each primary ── newer: transferred, whole ────▶ current
 *              │  ▲                the same serial ─────────────▶   │
 *              │  └─ retry due ── stale ◀── nobody answered ────────┤
 *              ▼                    │                               │
 *            (again)                └── expire due ──▶ expired ◀────┘
 *
 * `expired` is left by a transfer only, whatever the serial: what the primary has is the zone.
 */
export class SecondaryZone {
  readonly name: string;
  #settings: SecondarySettings;
  readonly #host: SecondaryHost;
  #image: ZoneImage | undefined;
  #times: SecondaryTimes | undefined;
  #isExpired = false;
  /** Monotonic. */
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #nextCheckAtMs = 0;
  #beganAtMs = Number.NEGATIVE_INFINITY;
  #confirmedWallMs: number | undefined;
  #failures = 0;
  #problem: string | undefined;
  #primary: string | undefined;
  #transfers = 0;
  #failed = 0;
  #preferred: string | undefined;
  /** Of the check that is under way. */
  #asking: AbortController | undefined;
  #askAgain = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(settings: SecondarySettings, host: SecondaryHost, kept: KeptZone | undefined) {
    this.name = settings.name;
    this.#settings = settings;
    this.#host = host;
    this.#nextCheckAtMs = host.clock.monotonicMs();
    if (kept) this.#restore(kept);
  }

  /** What is to be answered from; `undefined`: nothing was ever had. */
  get served(): TransferredZone | 'expired' | undefined {
    if (this.#isExpired) return 'expired';
    return this.#image && { serial: this.#image.soa.serial, bytes: this.#image.bytes };
  }

  get state(): SecondaryState {
    if (this.#isExpired) return 'expired';
    if (!this.#image) return 'empty';
    return this.#failures > 0 ? 'stale' : 'current';
  }

  /** For people. Times of the wall clock. */
  status() {
    const { clock } = this.#host;
    const wallOf = (atMs: number) => clock.wallMs() + atMs - clock.monotonicMs();
    const served = this.#isExpired ? undefined : this.#image;
    return {
      zone: this.name,
      state: this.state,
      serial: served?.soa.serial,
      records: served?.records ?? 0,
      bytes: served?.bytes.length ?? 0,
      primary: this.#primary,
      confirmedAtMs: this.#confirmedWallMs,
      nextCheckAtMs: wallOf(this.#nextCheckAtMs),
      expiresAtMs: Number.isFinite(this.#expiresAtMs) ? wallOf(this.#expiresAtMs) : undefined,
      problem: this.#problem,
      transfers: this.#transfers,
      failures: this.#failed,
    };
  }

  start(): void {
    this.#schedule();
  }

  /** Another configuration of the same zone; it is checked at once where that matters. */
  update(settings: SecondarySettings): void {
    const before = this.#settings;
    this.#settings = settings;
    if (isSame(before, settings)) return;
    if (this.#asking) this.#asking.abort();
    else this.#checkAt(this.#host.clock.monotonicMs());
  }

  /** A primary has something new (RFC 1996): it is asked first. */
  notified(source: string): void {
    this.#preferred = source;
    if (this.#asking) this.#askAgain = true;
    else this.#checkAt(Math.max(this.#host.clock.monotonicMs(), this.#beganAtMs + leastBetweenMs));
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#asking?.abort();
  }

  #restore({ image, confirmedAtMs }: KeptZone): void {
    const { clock } = this.#host;
    this.#image = image;
    this.#times = secondaryTimes(image.soa);
    this.#confirmedWallMs = Math.min(confirmedAtMs, clock.wallMs());
    const ageMs = clock.wallMs() - this.#confirmedWallMs;
    this.#expiresAtMs = clock.monotonicMs() + this.#times.expireMs - ageMs;
    this.#isExpired = ageMs >= this.#times.expireMs;
    if (this.#isExpired) this.#forget();
  }

  #checkAt(atMs: number): void {
    this.#nextCheckAtMs = Math.min(atMs, this.#nextCheckAtMs);
    this.#schedule();
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#closed) return;
    const { clock } = this.#host;
    const check = this.#asking ? Number.POSITIVE_INFINITY : this.#nextCheckAtMs;
    const nextMs = Math.min(check, this.#expiresAtMs);
    if (!Number.isFinite(nextMs)) return;
    // A timer of Node holds 24.8 days.
    const delayMs = Math.min(Math.max(0, nextMs - clock.monotonicMs()), 0x7fff_ffff);
    this.#timer = clock.after(delayMs, () => this.#wake());
  }

  #wake(): void {
    const nowMs = this.#host.clock.monotonicMs();
    if (nowMs >= this.#expiresAtMs) {
      this.#forget();
      this.#host.changed(this, 'expired');
    }
    if (!this.#asking && nowMs >= this.#nextCheckAtMs) void this.#check();
    else this.#schedule();
  }

  #forget(): void {
    this.#isExpired = true;
    this.#image = undefined;
    this.#times = undefined;
    this.#expiresAtMs = Number.POSITIVE_INFINITY;
  }

  async #check(): Promise<void> {
    const { clock } = this.#host;
    const asking = new AbortController();
    this.#asking = asking;
    this.#askAgain = false;
    this.#beganAtMs = clock.monotonicMs();
    this.#schedule(); // it may expire meanwhile
    const problems: string[] = [];
    let isConfirmed = false;
    const settings = this.#settings;
    // Who is no primary any more is not believed, whatever it was asked when it was.
    const isOver = () => asking.signal.aborted;
    for (const primary of this.#inOrder()) {
      try {
        const answer = await this.#ask(settings, primary, asking.signal);
        if (isOver()) break;
        isConfirmed = this.#take(answer, primary, problems);
      } catch (error) {
        problems.push(messageOf(error));
      }
      if (isConfirmed || isOver()) break;
    }
    if (this.#closed) return;
    this.#asking = undefined;
    if (isConfirmed || !isOver()) this.#settle(isConfirmed, problems);
    else this.#checkAt(clock.monotonicMs());
  }

  #ask(
    settings: SecondarySettings,
    primary: NameServerAddress,
    signal: AbortSignal,
  ): Promise<PrimaryAnswer> {
    const serial = this.#isExpired ? undefined : this.#image?.soa.serial;
    return this.#host.ask(settings, primary, serial, signal);
  }

  /** Who has told of something new comes first. */
  #inOrder(): readonly NameServerAddress[] {
    const { primaries } = this.#settings;
    const preferred = addressKey(this.#preferred ?? '');
    this.#preferred = undefined;
    const isFirst = ({ address }: NameServerAddress) => addressKey(address) === preferred;
    return [...primaries.filter(isFirst), ...primaries.filter((one) => !isFirst(one))];
  }

  /** Whether the zone that there is now is what this primary has. */
  #take(answer: PrimaryAnswer, primary: NameServerAddress, problems: string[]): boolean {
    if (this.#closed) return false;
    if (answer.kind === 'older') {
      const { serial } = answer;
      problems.push(`${primary.address} has an older serial, ${serial}`);
      return false;
    }
    // What had counted may have expired while the answer was on its way.
    if (answer.kind === 'same' && !this.#image) {
      problems.push('the zone expired while it was asked for');
      return false;
    }
    const { clock } = this.#host;
    this.#primary = primary.address;
    this.#confirmedWallMs = clock.wallMs();
    if (answer.kind === 'newer') {
      this.#image = answer.image;
      this.#times = secondaryTimes(answer.image.soa);
      this.#isExpired = false;
      this.#transfers++;
    }
    const { expireMs } = this.#times!;
    this.#expiresAtMs = clock.monotonicMs() + expireMs;
    const kept = { image: this.#image!, confirmedAtMs: this.#confirmedWallMs };
    this.#host.keep(this.name, kept, answer.kind === 'newer');
    if (answer.kind === 'newer') this.#host.changed(this, 'transferred');
    return true;
  }

  #settle(isConfirmed: boolean, problems: readonly string[]): void {
    const { clock, random } = this.#host;
    const nowMs = clock.monotonicMs();
    if (isConfirmed) {
      this.#failures = 0;
      this.#problem = undefined;
      this.#nextCheckAtMs = nowMs + refreshDelayMs(this.#times!, random());
    } else {
      this.#failures++;
      this.#failed++;
      this.#nextCheckAtMs = nowMs + retryDelayMs(this.#times, this.#failures, random());
      const problem = problems.join('; ');
      const isNew = problem !== this.#problem;
      this.#problem = problem;
      if (isNew) this.#host.troubled(this, problem);
    }
    if (this.#askAgain) {
      this.#nextCheckAtMs = Math.max(nowMs, this.#beganAtMs + leastBetweenMs);
    }
    this.#schedule();
  }
}

/** Whether a zone comes from the same primaries, in the same way. */
function isSame(one: SecondarySettings, other: SecondarySettings): boolean {
  const textOf = ({ primaries, isSignedHere, key }: SecondarySettings) =>
    JSON.stringify([primaries, isSignedHere, key?.name.key, key?.algorithm]);
  return textOf(one) === textOf(other);
}
