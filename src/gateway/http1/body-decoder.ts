import { ChunkLine } from './chunk-line.ts';
import { parseFields } from './fields.ts';
import type { BodyFraming } from './framing.ts';
import type { WireLimits } from './limits.ts';
import { refuse } from './wire-error.ts';

const CR = 0x0d;
const LF = 0x0a;

const noTrailers: readonly string[] = [];

type State = 'counted' | 'open' | 'size' | 'data' | 'data CR' | 'data LF' | 'trailers' | 'done';

/**
 * Finds where the body of one message ends, and hands on what is content.
 *
 *   none ─────────────────────────────────────────────────────────▶ done
 *   length ──▶ counted ── that many octets ───────────────────────▶ done
 *   close ───▶ open ───── finish() ───────────────────────────────▶ done
 *   chunked ─▶ size ──n──▶ data ──▶ data CR ──▶ data LF ──▶ size …
 *               └──0──▶ trailers ── empty line ───────────────────▶ done
 *
 * Parts are views of the input, never copies. After an error the decoder must not be
 * used again, and the connection must be closed.
 */
export class BodyDecoder {
  readonly #limits: WireLimits;
  readonly #line: ChunkLine | undefined;
  #state: State;
  /** Octets still to come of a counted body or of the current chunk. */
  #remaining = 0;
  #trailerText = '';
  #trailers = noTrailers;

  constructor(framing: BodyFraming, limits: WireLimits) {
    this.#limits = limits;
    this.#remaining = framing.kind === 'length' ? framing.length : 0;
    this.#line = framing.kind === 'chunked' ? new ChunkLine(limits.chunkLineBytes) : undefined;
    this.#state = firstState(framing);
  }

  /** Whether the message has ended; what follows in the input belongs to the next one. */
  get done(): boolean {
    return this.#state === 'done';
  }

  /** name, value, … of a chunked body's trailer section, once `done`. */
  get trailers(): readonly string[] {
    return this.#trailers;
  }

  /**
   * Decodes bytes[start,end) and returns how many of them belong to this message: all,
   * unless it ends before. `onData` gets the content in order, no part empty.
   *
   * @throws WireError `bad_chunk`, `bad_trailer`, `bad_line_ending`, `bad_field` or
   *   `fields_too_large`
   */
  decode(bytes: Buffer, start: number, end: number, onData: (part: Buffer) => void): number {
    let at = start;
    while (at < end && this.#state !== 'done') {
      switch (this.#state) {
        case 'open':
          onData(view(bytes, at, end));
          at = end;
          break;
        case 'counted':
        case 'data':
          at = this.#content(bytes, at, end, onData);
          break;
        case 'trailers':
          at = this.#trailerSection(bytes, at, end);
          break;
        default:
          this.#delimiter(bytes[at++]!);
      }
    }
    return at - start;
  }

  /** The peer has closed its side. Throws `incomplete_body` unless that ends the message. */
  finish(): void {
    if (this.#state === 'open') this.#state = 'done';
    else if (this.#state !== 'done') refuse('incomplete_body', 'the body ended too early');
  }

  #content(bytes: Buffer, at: number, end: number, onData: (part: Buffer) => void): number {
    const stop = Math.min(end, at + this.#remaining);
    this.#remaining -= stop - at;
    if (this.#remaining === 0) this.#state = this.#state === 'data' ? 'data CR' : 'done';
    onData(view(bytes, at, stop));
    return stop;
  }

  #delimiter(octet: number): void {
    if (this.#state === 'size') {
      if (this.#line!.push(octet)) this.#startChunk(this.#line!);
    } else if (this.#state === 'data CR' && octet === CR) {
      this.#state = 'data LF';
    } else if (this.#state === 'data LF' && octet === LF) {
      this.#state = 'size';
    } else refuse('bad_chunk', 'chunk data is not followed by CRLF');
  }

  #startChunk(line: ChunkLine): void {
    if (line.extensionBytes > this.#limits.chunkExtensionBytes) {
      refuse('bad_chunk', 'too many chunk extensions');
    }
    this.#remaining = line.size;
    this.#state = line.size === 0 ? 'trailers' : 'data';
    line.reset();
  }

  /**
   * Collects the section and parses it as far as it has come, so that bare line endings
   * are refused at once. The limit bounds the repeated work.
   */
  #trailerSection(bytes: Buffer, at: number, end: number): number {
    const earlier = this.#trailerText.length;
    const room = this.#limits.trailerBytes + 2 - earlier;
    this.#trailerText += bytes.toString('latin1', at, Math.min(end, at + room));
    const section = parseFields(this.#trailerText, 0, this.#limits.trailerBytes, this.#limits);
    if (section === undefined) return end;
    if ((section.contentLength ?? section.transferEncoding ?? section.host) !== undefined) {
      refuse('bad_trailer', 'a field that frames or routes a message in the trailers');
    }
    this.#trailers = section.fields;
    this.#trailerText = '';
    this.#state = 'done';
    return at + section.end - earlier;
  }
}

function firstState(framing: BodyFraming): State {
  switch (framing.kind) {
    case 'none':
      return 'done';
    case 'length':
      return framing.length === 0 ? 'done' : 'counted';
    case 'chunked':
      return 'size';
    case 'close':
      return 'open';
  }
}

function view(bytes: Buffer, start: number, end: number): Buffer {
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}
