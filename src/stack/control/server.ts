import { chmodSync, mkdtempSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { codeOf, messageOf } from '../../base/errors.ts';
import {
  type ControlProgress,
  type ControlRequest,
  type ControlResponse,
  maximumRequestBytes,
  maximumSocketPathBytes,
  requestSchema,
} from './protocol.ts';

/** Answers one request, or throws a `MeridianError` whose code and message go back. */
export type ControlHandler = (
  request: ControlRequest,
  tell: (progress: ControlProgress['progress']) => void,
) => unknown;

/**
 * Where to bind: the wanted path, or where that is too long for a socket a folder of its
 * own (mode 0700) for temporary files.
 */
export function chooseSocketPath(wanted: string): string {
  if (Buffer.byteLength(wanted) <= maximumSocketPathBytes) return wanted;
  const inTemporary = mkdtempSync(join(tmpdir(), 'meridian-'));
  const path = join(inTemporary, 'stack.sock');
  if (Buffer.byteLength(path) <= maximumSocketPathBytes) return path;
  return join(mkdtempSync('/tmp/meridian-'), 'stack.sock');
}

/** The control socket of a running stack. */
export class ControlServer {
  readonly #handle: ControlHandler;
  readonly #connections = new Set<Socket>();
  readonly #server: Server;

  constructor(handle: ControlHandler) {
    this.#handle = handle;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, resolve);
    });
    chmodSync(path, 0o600);
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => socket.destroy());
    let pending = '';
    let queue = Promise.resolve();
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const lines = (pending + text).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        queue = queue.then(() => this.#take(line, socket));
      }
      if (pending.length <= maximumRequestBytes) return;
      pending = '';
      send(socket, refusal('control_failed', 'the request is too long'));
      socket.destroySoon();
    });
  }

  /**
   * A supervisor that was frozen finds what was asked meanwhile: what nobody waits for any
   * more is not done. The end of a connection is read one turn after its last bytes.
   */
  async #take(line: string, socket: Socket): Promise<void> {
    await nextTurn();
    await nextTurn();
    if (socket.destroyed || socket.readableEnded) return;
    send(socket, await this.#answer(line, socket));
  }

  async #answer(line: string, socket: Socket): Promise<ControlResponse> {
    const request = parseRequest(line);
    if (!request) return refusal('control_failed', 'not a request that this stack knows');
    try {
      const tell = (progress: ControlProgress['progress']) => send(socket, { progress });
      return { ok: true, result: (await this.#handle(request, tell)) ?? null };
    } catch (error) {
      return refusal(codeOf(error) ?? 'control_failed', messageOf(error));
    }
  }
}

/** Undefined for anything that is not exactly a request. */
export function parseRequest(line: string): ControlRequest | undefined {
  try {
    return requestSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function refusal(code: string, message: string): ControlResponse {
  return { ok: false, error: { code, message } };
}

function send(socket: Socket, response: ControlResponse | ControlProgress): void {
  if (socket.writable) socket.write(`${JSON.stringify(response)}\n`);
}
