import { inSlices } from '../../base/steps.ts';
import type { AppliedShift } from '../../steering/shifts/applied.ts';
import { compileDnsDataInSteps, type DnsDataOptions } from './data.ts';
import { type DotAddress, DotListener } from './dot-listener.ts';
import { type ListenAddress, type ListenerOptions, Listeners } from './listeners.ts';

/** Where a server listens. */
export interface ListenAddresses extends ListenAddress {
  /** DNS over TLS too. */
  readonly dot?: DotAddress | undefined;
}

/** One use: after `commit` or `abandon` both do nothing. */
export interface PreparedDns {
  /** Answers from the new configuration from now on. Sockets of an address that stays stay. */
  commit(): void;
  /** Frees what was bound for it. */
  abandon(): void;
}

const overtaken: PreparedDns = { commit() {}, abandon() {} };

/** How long queries wait for a part of the next zones, at most. */
const sliceMs = 0.25;

interface Closable {
  retire(): Promise<unknown>;
  close(): Promise<unknown>;
}

/** What listens in one role, and what did so before and lets its clients finish. */
class Place<Listener extends Closable> {
  current: Listener | undefined;
  readonly #retiring = new Set<Listener>();

  constructor(current: Listener | undefined) {
    this.current = current;
  }

  moveTo(next: Listener | undefined): void {
    const left = this.current;
    this.current = next;
    if (!left) return;
    this.#retiring.add(left);
    void left.retire().then(() => this.#retiring.delete(left));
  }

  async close(): Promise<void> {
    const all = [...this.#retiring];
    if (this.current) all.push(this.current);
    await Promise.all(all.map((listener) => listener.close()));
  }
}

/**
 *              prepare                    commit
 *   serving A ─────────▶ serving A, and  ─────────▶ serving B; sockets of A, where the
 *       ▲                B is bound                 address is another one, take nothing
 *       └─────────────────────┘                     new and end when they are done
 *               abandon, or a failure
 *
 * Sockets of B answer (from A) as soon as they are bound: a port that is shared gets queries
 * from then on.
 */
export class TwoPhaseServer {
  readonly #sockets: ListenerOptions;
  readonly #plain: Place<Listeners>;
  readonly #dot: Place<DotListener>;
  #prepared: PreparedDns | undefined;
  /** Calls of `prepare`: only the last has a say. */
  #turn = 0;
  #closing: Promise<unknown> | undefined;

  private constructor(plain: Listeners, dot: DotListener | undefined, sockets: ListenerOptions) {
    this.#plain = new Place(plain);
    this.#dot = new Place(dot);
    this.#sockets = sockets;
  }

  static async open(at: ListenAddresses, sockets: ListenerOptions): Promise<TwoPhaseServer> {
    const plain = await Listeners.open(at, sockets);
    const dot = at.dot && (await openBeside(plain, at.dot, sockets));
    return new TwoPhaseServer(plain, dot, sockets);
  }

  get port(): number {
    return this.#plain.current!.port;
  }

  get dotPort(): number | undefined {
    return this.#dot.current?.port;
  }

  useTicketKeys(keys: Uint8Array): void {
    this.#dot.current?.useTicketKeys(keys);
  }

  useShifts(shifts: readonly AppliedShift[]): void {
    this.#sockets.responder.useShifts(shifts);
  }

  async prepare(next: DnsDataOptions & ListenAddresses): Promise<PreparedDns> {
    this.#prepared?.abandon();
    const turn = ++this.#turn;
    const data = await inSlices(compileDnsDataInSteps(next), sliceMs);
    if (turn !== this.#turn) return overtaken;
    this.#sockets.responder.expect(data);
    const dotNow = this.#dot.current;
    const renewed = next.dot && dotNow?.serves(next.dot) ? dotNow.prepare(next.dot) : undefined;
    const plain = this.#plain.current?.serves(next)
      ? undefined
      : await Listeners.open(next, this.#sockets);
    const dot = next.dot && !renewed ? await openBeside(plain, next.dot, this.#sockets) : undefined;
    let open = true;
    const once = (act: () => void) => () => {
      if (!open) return;
      open = false;
      act();
    };
    const prepared = {
      commit: once(() => {
        this.#sockets.responder.replace(data);
        if (plain) this.#plain.moveTo(plain);
        if (renewed) renewed.commit();
        else this.#dot.moveTo(dot);
      }),
      abandon: once(() => {
        void plain?.close();
        void dot?.close();
      }),
    };
    // Another call, or the end, may have come meanwhile.
    if (turn === this.#turn) this.#prepared = prepared;
    if (turn !== this.#turn || this.#closing) prepared.abandon();
    return prepared;
  }

  async close(): Promise<void> {
    this.#prepared?.abandon();
    this.#sockets.responder.close();
    this.#closing ??= Promise.all([this.#plain.close(), this.#dot.close()]);
    await this.#closing;
  }
}

/** What was opened before it is closed when it cannot be had. */
async function openBeside(
  other: Listeners | undefined,
  at: DotAddress,
  sockets: ListenerOptions,
): Promise<DotListener> {
  try {
    return await DotListener.open(at, sockets);
  } catch (error) {
    await other?.close();
    throw error;
  }
}
