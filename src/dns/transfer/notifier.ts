import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import type { NameServerAddress } from '../../config/schema/server-address.ts';
import type { DomainName } from '../wire/name.ts';
import { encodeNotify, readNotifyAnswer, type SentNotify } from './notify-messages.ts';
import type { TsigKey } from './tsig-key.ts';

/** Who is to be told of a zone. */
export interface NotifyTarget {
  readonly zone: string;
  readonly apex: DomainName;
  /** Of what is served now; it is told again when this changes. */
  readonly serial: number;
  readonly server: NameServerAddress;
  readonly key: TsigKey | undefined;
}

export type NotifyState = 'sending' | 'acknowledged' | 'unacknowledged';

export interface NotifierOptions {
  readonly clock: Clock;
  /** Address that notifications come from; `undefined`: as the system chooses. */
  from(server: NameServerAddress): string | undefined;
  /** Nobody there has heard of it, for the first time since somebody did. */
  unacknowledged(target: NotifyTarget, why: string): void;
}

/** From one try to the next, the last one until it is given up (RFC 1996 3.6: some five, backing off). */
const triesMs = [2_000, 4_000, 8_000, 16_000, 30_000];
const firstId = 0;
const ids = 0x1_0000;

interface Telling {
  target: NotifyTarget;
  state: NotifyState;
  problem: string | undefined;
  tries: number;
  sent: SentNotify | undefined;
  timer: Timer | undefined;
  /** It was told that nobody hears. */
  wasTold: boolean;
}

/**
 * Tells secondaries that a zone has changed (NOTIFY, RFC 1996), over UDP, each until it answers or a
 * minute is over:
 *
 *   new serial ─▶ sending ── answer ─▶ acknowledged
 *                  │  ▲  └─ no, or REFUSED … ─▶ unacknowledged
 *                  └──┘ 2, 4, 8, 16 s                 (its refresh timer is left)
 */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #tellings = new Map<string, Telling>();
  readonly #sockets = new Map<4 | 6, Socket>();
  #closed = false;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** Who is to be told from now on; those that are new, or with a new serial, are told. */
  update(targets: readonly NotifyTarget[]): void {
    if (this.#closed) return;
    const wanted = new Map(targets.map((target) => [keyOf(target), target]));
    for (const [key, { timer }] of this.#tellings) {
      if (wanted.has(key)) continue;
      timer?.cancel();
      this.#tellings.delete(key);
    }
    for (const [key, target] of wanted) {
      const telling = this.#tellings.get(key);
      if (!telling) this.#tellings.set(key, this.#begin(target));
      else if (telling.target.serial !== target.serial) this.#again(telling, target);
      else telling.target = target;
    }
  }

  status() {
    return [...this.#tellings.values()].map(({ target, state, problem }) => ({
      zone: target.zone,
      server: addressOf(target),
      serial: target.serial,
      state,
      problem,
    }));
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#tellings.values()) timer?.cancel();
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #begin(target: NotifyTarget): Telling {
    const telling: Telling = {
      ...{ target, state: 'sending', problem: undefined, tries: 0 },
      ...{ sent: undefined, timer: undefined, wasTold: false },
    };
    this.#send(telling);
    return telling;
  }

  #again(telling: Telling, target: NotifyTarget): void {
    telling.timer?.cancel();
    telling.target = target;
    telling.state = 'sending';
    telling.tries = 0;
    this.#send(telling);
  }

  #send(telling: Telling): void {
    const { clock } = this.#options;
    const { apex, key, server } = telling.target;
    const nowSeconds = Math.floor(clock.wallMs() / 1_000);
    const sent = encodeNotify(apex, randomInt(firstId, ids), key, nowSeconds);
    telling.sent = sent;
    const delayMs = triesMs[telling.tries++]!;
    telling.timer = clock.after(delayMs, () => {
      if (telling.tries < triesMs.length) this.#send(telling);
      else this.#giveUp(telling, 'it does not answer');
    });
    // What cannot be sent is as good as lost on the way.
    this.#socket(server).send(sent.bytes, server.port, server.address, () => {});
  }

  #receive(message: Buffer, address: string, port: number): void {
    const nowSeconds = Math.floor(this.#options.clock.wallMs() / 1_000);
    for (const telling of this.#tellings.values()) {
      const { sent, state, target } = telling;
      if (!sent || state !== 'sending') continue;
      if (target.server.port !== port || target.server.address !== address) continue;
      const said = readNotifyAnswer(message, sent, nowSeconds);
      if (said === undefined) continue;
      telling.timer?.cancel();
      if (said !== '') this.#giveUp(telling, said);
      else {
        telling.state = 'acknowledged';
        telling.problem = undefined;
        telling.wasTold = false;
      }
      return;
    }
  }

  #giveUp(telling: Telling, why: string): void {
    telling.state = 'unacknowledged';
    telling.problem = why;
    telling.sent = undefined;
    if (telling.wasTold) return;
    telling.wasTold = true;
    this.#options.unacknowledged(telling.target, why);
  }

  /** One for each family, bound when it is first needed. */
  #socket(server: NameServerAddress): Socket {
    const family = isIPv6(server.address) ? 6 : 4;
    const open = this.#sockets.get(family);
    if (open) return open;
    const socket = createSocket(`udp${family}`);
    socket.on('error', () => {}); // an address that cannot be had, or an ICMP error: lost
    socket.on('message', (message, { address, port }) => this.#receive(message, address, port));
    const from = this.#options.from(server);
    socket.bind(from === undefined ? { port: 0 } : { port: 0, address: from });
    this.#sockets.set(family, socket);
    return socket;
  }
}

/** One server is told of a zone once, whatever was written. */
function keyOf(target: NotifyTarget): string {
  return `${target.zone} ${addressOf(target)}`;
}

function addressOf({ server: { address, port } }: NotifyTarget): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}
