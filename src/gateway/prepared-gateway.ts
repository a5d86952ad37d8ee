import { MeridianError } from '../base/errors.ts';
import type { GatewayErrorCode } from './gateway-error.ts';

export interface PreparedGateway {
  /**
   * Swaps, at once. New requests, also on connections that were open, get the new revision;
   * those under way end on the old one. A listener that stays is not touched but for its
   * certificate; one that is gone accepts no more, and its connections end with the answer
   * under way. `drained` resolves when the last request of the revision before, tunnels
   * included, has ended: nobody writes to its counters any more.
   *
   * @throws MeridianError `preparation_over` when it was abandoned or committed before;
   *   it cannot fail otherwise
   */
  commit(): { readonly drained: Promise<void> };
  /** Gives back what was prepared. Idempotent; after `commit` it does nothing. */
  abandon(): void;
}

/** Holds nothing once it is over, whoever keeps it. */
export class PreparedSwap implements PreparedGateway {
  #commit: (() => { readonly drained: Promise<void> }) | undefined;
  #abandon: () => void;

  constructor(commit: () => { readonly drained: Promise<void> }, abandon: () => void) {
    this.#commit = commit;
    this.#abandon = abandon;
  }

  commit(): { readonly drained: Promise<void> } {
    const commit = this.#commit ?? over('it was committed or abandoned');
    this.#commit = undefined;
    this.#abandon = nothing;
    return commit();
  }

  abandon(): void {
    const abandon = this.#abandon;
    this.#commit = undefined;
    this.#abandon = nothing;
    abandon();
  }
}

function nothing(): void {}

/** @throws MeridianError `preparation_over` */
export function over(why: string): never {
  const message = `what was prepared cannot be served: ${why}`;
  throw new MeridianError<GatewayErrorCode>('preparation_over', message);
}
