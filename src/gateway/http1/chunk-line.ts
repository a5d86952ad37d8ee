import { octetClasses, TOKEN, VALUE } from './octets.ts';
import { refuse } from './wire-error.ts';

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Sixteen digits bound what leading zeros may cost; the value is bounded apart. */
const maxDigits = 16;

/**
 * Reads one chunk-size line octet by octet (RFC 9112 §7.1), without white space, which
 * the RFC calls bad and peers disagree about:
 *
 *            HEXDIG              tchar
 *             ┌──┐     ';'       ┌──┐    '='            tchar
 *   start ──▶ size ────────────▶ name ────────▶ value ◀──┐
 *              │                 │ ▲ ';'          │ '"'  │
 *              │ CR              │ └───────┐      ▼      │
 *              ▼       CR        ▼         └─── quoted ──┘
 *             end ◀──────────── (any of name, value, quoted's end)
 *              │ LF
 *              ▼
 *            done
 *
 * Extensions are checked and dropped: they are for one connection only (§7.1.1).
 */
type State = 'size' | 'name' | 'value' | 'quoted' | 'escaped' | 'closed' | 'end';

export class ChunkLine {
  readonly #maxBytes: number;
  #state: State = 'size';
  #lineBytes = 0;
  #digits = 0;
  /** Octets of the current extension name or value: neither may be empty. */
  #wordBytes = 0;
  /** Valid once `push` has returned true. */
  size = 0;
  /** Extension octets of all lines so far. */
  extensionBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Makes ready for the next line. */
  reset(): void {
    this.#state = 'size';
    this.#lineBytes = 0;
    this.#digits = 0;
    this.#wordBytes = 0;
    this.size = 0;
  }

  /** Takes one octet; true when it was the LF that ends the line. Throws `bad_chunk`. */
  push(octet: number): boolean {
    if (this.#state === 'end') {
      if (octet !== LF) refuse('bad_chunk', 'CR without LF in a chunk-size line');
      return true;
    }
    if (octet === CR) {
      this.#endLine();
      return false;
    }
    if (++this.#lineBytes > this.#maxBytes) refuse('bad_chunk', 'a chunk-size line is too long');
    if (this.#state === 'size') this.#sizeOctet(octet);
    else this.#extensionOctet(octet);
    return false;
  }

  #endLine(): void {
    const complete =
      this.#state === 'size'
        ? this.#digits > 0
        : this.#state === 'closed' ||
          ((this.#state === 'name' || this.#state === 'value') && this.#wordBytes > 0);
    if (!complete) refuse('bad_chunk', 'a chunk-size line ends too early');
    this.#state = 'end';
  }

  #sizeOctet(octet: number): void {
    const digit = hexValue(octet);
    if (digit !== -1) {
      this.size = this.size * 16 + digit;
      if (++this.#digits > maxDigits || this.size > Number.MAX_SAFE_INTEGER) {
        refuse('bad_chunk', 'a chunk size is too large');
      }
    } else if (octet === SEMICOLON && this.#digits > 0) this.#startWord('name');
    else refuse('bad_chunk', 'a chunk size is not a plain hexadecimal number');
  }

  #extensionOctet(octet: number): void {
    this.extensionBytes++;
    const octetClass = octetClasses[octet]!;
    switch (this.#state) {
      case 'quoted':
        if (octet === BACKSLASH) this.#state = 'escaped';
        else if (octet === QUOTE) this.#state = 'closed';
        else if ((octetClass & VALUE) === 0)
          refuse('bad_chunk', 'a control character in a chunk extension');
        return;
      case 'escaped':
        if ((octetClass & VALUE) === 0)
          refuse('bad_chunk', 'a control character in a chunk extension');
        this.#state = 'quoted';
        return;
      default:
        this.#unquotedOctet(octet, octetClass);
    }
  }

  #unquotedOctet(octet: number, octetClass: number): void {
    const inWord = this.#state !== 'closed';
    if (inWord && (octetClass & TOKEN) !== 0) this.#wordBytes++;
    else if (octet === SEMICOLON && (!inWord || this.#wordBytes > 0)) this.#startWord('name');
    else if (octet === EQUALS && this.#state === 'name' && this.#wordBytes > 0)
      this.#startWord('value');
    else if (octet === QUOTE && this.#state === 'value' && this.#wordBytes === 0)
      this.#state = 'quoted';
    else refuse('bad_chunk', 'a chunk extension is malformed');
  }

  #startWord(state: 'name' | 'value'): void {
    this.#state = state;
    this.#wordBytes = 0;
  }
}

function hexValue(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
