import type { Clock } from '../../base/clock.ts';
import { dataError } from '../errors.ts';

interface Waiting {
  readonly service: string;
  readonly amount: number;
  enter(): void;
}

/** Of all the room, for one service: another one finds the rest. */
const shareOfService = 1 / 2;

/**
 * Room for what is under way, of which no service takes more than half. Who waits for it comes
 * in its turn, but for those whose service has its half already: they are passed over.
 */
export class SharedRoom {
  readonly #what: string;
  readonly #room: number;
  readonly #roomOfService: number;
  readonly #taken = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();
  #takenOfAll = 0;

  /** @param what needs it: `requests are under way` */
  constructor(what: string, room: number) {
    this.#what = what;
    this.#room = room;
    this.#roomOfService = Math.ceil(room * shareOfService);
  }

  /** @returns what gives it back. @throws DataError `too_busy` */
  take(service: string, amount: number): () => void {
    if (!this.#fits(service, amount)) throw this.#tooBusy();
    return this.#enter(service, amount);
  }

  /**
   * The same, after others if need be. Who wants more than a service may have gets that.
   *
   * @throws DataError `too_busy`: its turn did not come in time
   */
  async takeInTurn(
    service: string,
    wanted: number,
    limitMs: number,
    clock: Clock,
  ): Promise<() => void> {
    const amount = Math.min(wanted, this.#roomOfService);
    if (this.#fits(service, amount)) return this.#enter(service, amount);
    const turn = Promise.withResolvers<() => void>();
    const waiting = {
      ...{ service, amount },
      enter: () => turn.resolve(this.#enter(service, amount)),
    };
    this.#waiting.add(waiting);
    const late = clock.after(limitMs, () => {
      this.#waiting.delete(waiting); // at once: it is not to be let in any more
      turn.reject(this.#tooBusy());
    });
    try {
      return await turn.promise;
    } finally {
      late.cancel();
    }
  }

  #fits(service: string, amount: number): boolean {
    const own = this.#taken.get(service) ?? 0;
    return this.#takenOfAll + amount <= this.#room && own + amount <= this.#roomOfService;
  }

  #enter(service: string, amount: number): () => void {
    this.#add(service, amount);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#add(service, -amount);
      this.#admit();
    };
  }

  #add(service: string, amount: number): void {
    const own = (this.#taken.get(service) ?? 0) + amount;
    if (own > 0) this.#taken.set(service, own);
    else this.#taken.delete(service);
    this.#takenOfAll += amount;
  }

  #admit(): void {
    for (const waiting of this.#waiting) {
      if (!this.#fits(waiting.service, waiting.amount)) continue;
      this.#waiting.delete(waiting);
      waiting.enter();
    }
  }

  #tooBusy() {
    return dataError('too_busy', `more ${this.#what} than the node, or one service, has room for`);
  }
}
