import { close, constants, openSync, write } from 'node:fs';
import { MeridianError, messageOf } from '../base/errors.ts';

/** `access_log_unopenable`: the file cannot be created or appended to. */
export type AccessLogErrorCode = 'access_log_unopenable';

export interface AccessLogOptions {
  /** Told once when lines begin to be lost, and again only after writing has worked since. */
  onLoss?(error: Error): void;
  /** Told of every line that is lost. */
  onDropped?(lines: number): void;
}

const flushDelayMs = 100;
const flushLength = 64 * 1024;
const pendingLimit = 4 * 1024 * 1024;
const lineEnd = Buffer.from('\n');

function overrun(): Error {
  return new Error('the access log cannot be written as fast as requests come');
}

/**
 * Appends lines to a file in batches, off the caller's path. Several threads and
 * processes may append to the same file: each batch is one write with O_APPEND.
 *
 *   write(line) ─▶ pending ──100 ms or 64 KiB──▶ in flight (one at a time) ─▶ file
 *                     │ above 4 MiB                  │ error (disk full, …)
 *                     └──────────▶ dropped, counted ◀┘
 *
 * A slow or full disk therefore costs lines and a bounded amount of memory, never a
 * request. After a write that was cut short the next batch starts on a line of its own.
 */
export class AccessLog {
  readonly #path: string;
  readonly #options: AccessLogOptions;
  #file: number;
  #pending = '';
  #pendingLines = 0;
  #timer: NodeJS.Timeout | undefined;
  #inFlight: Promise<void> | undefined;
  #dropped = 0;
  #failing = false;
  #torn = false;
  #closed: Promise<void> | undefined;

  private constructor(path: string, options: AccessLogOptions) {
    this.#path = path;
    this.#options = options;
    this.#file = openFile(path);
  }

  /** @throws MeridianError `access_log_unopenable` */
  static open(path: string, options: AccessLogOptions = {}): AccessLog {
    return new AccessLog(path, options);
  }

  /**
   * Goes on in the file that has the name now: to be called after a rotation renamed the
   * old one. When that cannot be opened the old one is kept, and `onLoss` told.
   */
  reopen(): void {
    if (this.#closed) return;
    const old = this.#file;
    try {
      this.#file = openFile(this.#path);
    } catch (error) {
      this.#options.onLoss?.(error as Error);
      return;
    }
    void Promise.resolve(this.#inFlight).then(() => {
      this.#torn = false;
      close(old, () => undefined);
    });
  }

  /** Lines that never reached the file. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `line` is one entry without its line end. Returns at once; after `close` it is dropped. */
  write(line: string): void {
    if (this.#closed || this.#pending.length + line.length > pendingLimit) {
      this.#lose(1, overrun);
      return;
    }
    this.#pending += `${line}\n`;
    this.#pendingLines++;
    this.#schedule();
  }

  /** Writes what is pending, then closes the file. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    await this.#inFlight;
    await this.#flush();
    await new Promise<void>((resolve) => close(this.#file, () => resolve()));
  }

  #schedule(): void {
    if (this.#inFlight || this.#pendingLines === 0) return;
    if (this.#pending.length >= flushLength) void this.#flush();
    else this.#timer ??= setTimeout(() => void this.#flush(), flushDelayMs).unref();
  }

  /** Only while nothing is in flight. Never rejects. */
  async #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = Buffer.from(this.#pending);
    const lines = this.#pendingLines;
    this.#pending = '';
    this.#pendingLines = 0;
    const whole = this.#torn ? Buffer.concat([lineEnd, batch]) : batch;
    this.#inFlight = this.#append(this.#file, whole, lines);
    await this.#inFlight;
    this.#inFlight = undefined;
    if (!this.#closed) this.#schedule();
  }

  async #append(file: number, batch: Buffer, lines: number): Promise<void> {
    let written = 0;
    try {
      while (written < batch.length) written += await writeOnce(file, batch, written);
      this.#failing = false;
      this.#torn = false;
    } catch (error) {
      const whole = linesIn(batch, written) - (this.#torn && written > 0 ? 1 : 0);
      if (written > 0) this.#torn = batch[written - 1] !== lineEnd[0];
      this.#lose(lines - whole, () => error as Error);
    }
  }

  #lose(lines: number, cause: () => Error): void {
    this.#dropped += lines;
    this.#options.onDropped?.(lines);
    if (this.#failing) return;
    this.#failing = true;
    this.#options.onLoss?.(cause());
  }
}

/** For its owner only: client addresses stand in it. A link in its place is not followed. */
function openFile(path: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  try {
    return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  } catch (cause) {
    throw new MeridianError<AccessLogErrorCode>(
      'access_log_unopenable',
      `cannot append to the access log ${path}: ${messageOf(cause)}`,
      { cause, details: { path } },
    );
  }
}

function writeOnce(file: number, batch: Buffer, from: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(file, batch, from, batch.length - from, null, (error, bytes) => {
      if (error) reject(error);
      else resolve(bytes);
    });
  });
}

/** How many whole lines the first `bytes` of a batch hold. */
function linesIn(batch: Buffer, bytes: number): number {
  let lines = 0;
  for (let at = batch.indexOf(10); at >= 0 && at < bytes; at = batch.indexOf(10, at + 1)) lines++;
  return lines;
}
