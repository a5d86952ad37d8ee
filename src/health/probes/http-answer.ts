const longestLine = 1_024;

/** How far into the content a text is looked for. */
export const searchedBytes = 5_120;

/** The final response of an answer. */
export interface Head {
  readonly status: number;
  /** Where its status line begins. */
  readonly at: number;
}

/**
 * The final response in the beginning of an HTTP/1.x answer, past interim ones (RFC 9110
 * section 15.2), as soon as its status line is there; `undefined` while more is needed,
 * `'malformed'` when more would not help.
 */
export function finalHead(answer: string): Head | 'malformed' | undefined {
  for (let at = 0; ; ) {
    const lineEnd = answer.indexOf('\n', at);
    if (lineEnd < 0) {
      const begun = answer.slice(at, at + 'HTTP/1.'.length);
      const possible = 'HTTP/1.'.startsWith(begun) && answer.length - at <= longestLine;
      return possible ? undefined : 'malformed';
    }
    const match = /^HTTP\/1\.[01] ([1-9]\d\d)(?: [^\r\n]*)?\r?$/.exec(answer.slice(at, lineEnd));
    if (!match) return 'malformed';
    const status = Number(match[1]);
    if (status >= 200) return { status, at };
    const headEnd = answer.indexOf('\r\n\r\n', at);
    if (headEnd < 0) return undefined;
    at = headEnd + 4;
  }
}

/**
 * The first bytes of the content of a response, without framing (RFC 9112 section 6), as
 * they come in. Each byte is looked at once, however small the pieces.
 */
export class ContentReader {
  /** At most as many bytes as are wanted. */
  content = '';
  readonly #chunked: boolean;
  readonly #wanted: number;
  /** Where in the answer to go on. */
  #at: number;
  /** Of the chunk that it goes on in. */
  #left = 0;
  #over = false;

  /** `at`: where the final head begins; it ends at `headEnd`. */
  constructor(answer: string, at: number, headEnd: number, mostBytes = searchedBytes) {
    const head = answer.slice(at, headEnd);
    const length = /\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*(?:\r\n|$)/i.exec(head)?.[1];
    this.#chunked = /\r\ntransfer-encoding:[ \t]*chunked[ \t]*(?:\r\n|$)/i.test(head);
    const bounded = length !== undefined && !this.#chunked;
    this.#wanted = bounded ? Math.min(mostBytes, Number(length)) : mostBytes;
    this.#at = headEnd + '\r\n\r\n'.length;
  }

  /** Whether more of the answer would add nothing. */
  get complete(): boolean {
    return this.#over || this.content.length >= this.#wanted;
  }

  /** Reads on in the answer, which has grown. Returns false when its framing is broken. */
  read(answer: string): boolean {
    if (!this.#chunked) this.#left = this.#wanted;
    while (!this.complete && this.#at < answer.length) {
      if (this.#left === 0 && !this.#beginChunk(answer)) return false;
      if (this.#left === 0) return true;
      const room = Math.min(this.#left, this.#wanted - this.content.length);
      const piece = answer.slice(this.#at, this.#at + room);
      this.content += piece;
      this.#at += piece.length;
      this.#left -= piece.length;
      if (this.#chunked && this.#left === 0) this.#at += '\r\n'.length;
    }
    return true;
  }

  /** RFC 9112 section 7.1. Nothing is left of the chunk when its line is not whole. */
  #beginChunk(answer: string): boolean {
    const lineEnd = answer.indexOf('\r\n', this.#at);
    if (lineEnd < 0) return answer.length - this.#at <= longestLine;
    const size = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?$/.exec(answer.slice(this.#at, lineEnd))?.[1];
    if (size === undefined) return false;
    this.#at = lineEnd + '\r\n'.length;
    this.#left = Number.parseInt(size, 16);
    this.#over = this.#left === 0;
    return true;
  }
}
