import { connect, type Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import type { CheckConfig } from '../config/schema/check.ts';
import { finalStatus } from './http-status.ts';
import type { ProbeTarget } from './plan.ts';
import type { Probe } from './prober.ts';

/** What may be read of an answer before its status is known, and after. */
const mostHeadBytes = 8_192;
const mostRestBytes = 65_536;

const errorTexts = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'connection reset'],
  ['EHOSTUNREACH', 'host unreachable'],
  ['ENETUNREACH', 'network unreachable'],
  ['ENOTFOUND', 'name not found'],
  ['EAI_AGAIN', 'name not found for now'],
]);

/**
 * Probes over TCP and HTTP/1.1 on plain sockets, a new connection each, as a new client
 * would come. The verdict falls with the status line; the rest is read and dropped within
 * the same limits, so that the server sees an orderly end.
 */
export function createProbe(clock: Clock): Probe {
  return (target, done) => {
    const attempt = new Attempt(target, clock, done);
    return () => attempt.end();
  };
}

class Attempt {
  readonly #check: CheckConfig;
  readonly #socket: Socket;
  #done: ((ok: boolean, detail: string) => void) | undefined;
  #head = '';
  #restBytes = 0;

  constructor(
    { host, port, check }: ProbeTarget,
    clock: Clock,
    done: (ok: boolean, detail: string) => void,
  ) {
    this.#check = check;
    this.#done = done;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    const connecting = clock.after(check.connectTimeout, () =>
      this.#fail(`no connection within ${check.connectTimeout} ms`),
    );
    const total = clock.after(check.timeout, () =>
      this.#fail(`no answer within ${check.timeout} ms`),
    );
    socket.on('connect', () => {
      connecting.cancel();
      if (check.type === 'tcp') this.#finish(true, 'connected');
      else socket.write(requestHead(host, port, check));
    });
    socket.on('data', (bytes) => this.#read(bytes));
    socket.on('end', () => this.#fail('closed before an answer'));
    socket.on('error', (error) => {
      const code = codeOf(error) ?? 'connection failed';
      this.#fail(errorTexts.get(code) ?? code);
    });
    socket.on('close', () => {
      connecting.cancel();
      total.cancel();
      this.#fail('closed before an answer');
    });
  }

  /** Ends the probe without a result. */
  end(): void {
    this.#done = undefined;
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    if (!this.#done) {
      this.#restBytes += bytes.length;
      if (this.#restBytes > mostRestBytes) this.#socket.destroy();
      return;
    }
    this.#head += bytes.toString('latin1');
    const status = finalStatus(this.#head);
    if (status === undefined && this.#head.length < mostHeadBytes) return;
    if (typeof status === 'number') {
      const wanted = this.#check.type === 'http' && this.#check.status.includes(status);
      this.#finish(wanted, `status ${status}`);
    } else {
      this.#fail('not an HTTP/1.1 answer');
    }
  }

  /** A result without hurry: the connection ends in order. */
  #finish(ok: boolean, detail: string): void {
    const done = this.#done;
    this.#done = undefined;
    this.#socket.end();
    done?.(ok, detail);
  }

  #fail(detail: string): void {
    const done = this.#done;
    this.#done = undefined;
    this.#socket.destroy();
    done?.(false, detail);
  }
}

function requestHead(host: string, port: number, check: CheckConfig & { type: 'http' }): string {
  return (
    `GET ${check.path} HTTP/1.1\r\nHost: ${check.host ?? `${host}:${port}`}\r\n` +
    'User-Agent: meridian-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n'
  );
}
