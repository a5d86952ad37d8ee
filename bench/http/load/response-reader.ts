export interface SeenResponse {
  readonly status: number;
  /** The server closes the connection after it. */
  readonly closes: boolean;
}

const headEnd = '\r\n\r\n';
const ok: SeenResponse = { status: 200, closes: false };
const statusAt = 'HTTP/1.1 '.length;
const two = 0x32;
const zero = 0x30;

/** How long in bytes a plain 200 of the target is; all connections share it. */
export interface KnownLength {
  bytes: number;
}

/**
 * Tells when a whole response with `Content-Length` has come; one at a time. One that is
 * as long as the last 200 and begins like it is taken for the same, unread: reading it
 * would cost more than all the rest.
 */
export class ResponseReader {
  readonly #known: KnownLength;
  #received = '';

  constructor(known: KnownLength) {
    this.#known = known;
  }

  /** @throws when the response has no `Content-Length`, or something follows it. */
  read(buffer: Buffer, bytes: number): SeenResponse | undefined {
    const known = this.#known;
    if (bytes === known.bytes && this.#received === '' && isOk(buffer)) return ok;
    const received = this.#received + buffer.toString('latin1', 0, bytes);
    const end = received.indexOf(headEnd);
    if (end === -1) return this.#keep(received);
    const head = received.slice(0, end);
    const length = /^content-length: *(\d+)$/im.exec(head)?.[1];
    if (length === undefined) throw new Error(`not a response of known length: ${head}`);
    const missing = end + headEnd.length + Number(length) - received.length;
    if (missing > 0) return this.#keep(received);
    if (missing < 0) throw new Error(`more than one response: ${received}`);
    this.#received = '';
    const response = {
      status: Number(head.slice(9, 12)),
      closes: /^connection: *close$/im.test(head),
    };
    if (response.status === 200 && !response.closes) known.bytes = received.length;
    return response;
  }

  reset(): void {
    this.#received = '';
  }

  #keep(received: string): undefined {
    this.#received = received;
  }
}

function isOk(buffer: Buffer): boolean {
  return buffer[statusAt] === two && buffer[statusAt + 1] === zero && buffer[statusAt + 2] === zero;
}
