import type { Socket } from 'node:net';
import type { Session } from './session/session.ts';

/** While the socket takes nothing, more answers than this are not provoked: it is not read. */
const unsentBytes = 16 * 1024;

/** For the last octets of a connection to be taken. */
const partingMs = 1_000;

/**
 * Brings what a session has to say to its socket: what all of its streams said in one turn of the
 * event loop goes as one write (one TLS record where it is small).
 *
 *   reads of this turn ─▶ session, streams ─▶ outlet ─┐
 *   reads of other sockets ─▶ streams ─▶ outlet ──────┴─ setImmediate ─▶ write
 *
 * Whoever lets the session or a stream say something calls `due` afterwards.
 */
export class Transport {
  readonly socket: Socket;
  readonly session: Session;
  readonly #onStall: (stalled: boolean) => void;
  #due = false;
  #choked = false;
  readonly #run = (): void => this.#flush();

  /** `onStall`: the socket takes no more, and does again. */
  constructor(socket: Socket, session: Session, onStall: (stalled: boolean) => void) {
    this.socket = socket;
    this.session = session;
    this.#onStall = onStall;
    socket.on('drain', () => this.#drained());
  }

  due(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(this.#run);
  }

  #flush(): void {
    this.#due = false;
    const { socket, session } = this;
    const { outlet } = session;
    if (!socket.writable) return;
    if (session.over) {
      this.#end();
      return;
    }
    while (!outlet.blocked) {
      outlet.pump();
      const output = outlet.writer.take();
      if (output.length === 0) break;
      socket.write(output);
      if (socket.writableNeedDrain) {
        outlet.blocked = true;
        this.#onStall(true);
      }
    }
    if (outlet.blocked && outlet.writer.length > unsentBytes) this.#choke();
  }

  /** What is gathered still goes, where it is taken at once; nothing more is read or said. */
  close(): void {
    const { socket, session } = this;
    if (session.outlet.blocked || socket.connecting || !socket.writable) {
      socket.destroy();
      return;
    }
    this.#end();
    socket.once('finish', () => socket.destroy());
    socket.setTimeout(partingMs, () => socket.destroy());
  }

  #end(): void {
    const output = this.session.outlet.writer.take();
    if (output.length > 0) this.socket.end(output);
    else this.socket.end();
  }

  #choke(): void {
    this.#choked = true;
    this.socket.pause();
  }

  #drained(): void {
    this.session.outlet.blocked = false;
    this.#onStall(false);
    if (this.#choked) {
      this.#choked = false;
      this.socket.resume();
    }
    this.#flush();
  }
}
