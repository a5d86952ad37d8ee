/**
 * One entry of a master file (RFC 1035 5.1): a line, or several where parentheses hold them
 * together. Comments are gone; words keep their quotes and escapes.
 */
export interface Entry {
  /** Where it begins; counts from 1. */
  readonly line: number;
  /** It begins with white space: the owner is that of the entry before. */
  readonly indented: boolean;
  readonly words: readonly string[];
  /** What is wrong with the text; the words are then not to be used. */
  readonly problem: string | undefined;
}

/** Data of 65,535 octets with each octet as `\DDD`, and some white space. */
const maximumEntryLength = 400_000;

const tab = 0x09;
const lineFeed = 0x0a;
const formFeed = 0x0c;
const carriageReturn = 0x0d;
const space = 0x20;
const quote = 0x22;
const open = 0x28;
const close = 0x29;
const semicolon = 0x3b;
const backslash = 0x5c;

/**
 * Reads a text entry by entry; nothing is kept of what was read. After a problem it goes on
 * with the next line, but not where a parenthesis stays open: all that follows is in it.
 *
 *   example  IN SOA ns1 dns (  7 1h 5m 1w 5s )  ; comment
 *   └─ word          words ─┘└─ white space, line ends too ─┘
 */
export class EntryReader {
  readonly #text: string;
  #at: number;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
    this.#at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  }

  /** `undefined` at the end. */
  next(): Entry | undefined {
    while (this.#at < this.#text.length) {
      const line = this.#line;
      const indented = isBlank(this.#text.charCodeAt(this.#at));
      const words: string[] = [];
      const problem = this.#readWords(words);
      if (problem !== undefined || words.length > 0) return { line, indented, words, problem };
    }
    return undefined;
  }

  #readWords(words: string[]): string | undefined {
    const text = this.#text;
    const start = this.#at;
    let depth = 0;
    while (this.#at < text.length) {
      const code = text.charCodeAt(this.#at);
      if (code === lineFeed) {
        this.#at++;
        this.#line++;
        if (depth === 0) return undefined;
        if (this.#at - start > maximumEntryLength) break;
      } else if (isBlank(code)) this.#at++;
      else if (code === semicolon) this.#skipLine();
      else if (code === open) {
        depth++;
        this.#at++;
      } else if (code === close) {
        if (--depth < 0) return this.#giveUpLine('a ")" without a "(" before it');
        this.#at++;
      } else {
        const end = wordEnd(text, this.#at);
        if (end < 0) return this.#giveUpLine('a quote that is not closed on its line');
        words.push(text.slice(this.#at, end));
        this.#at = end;
      }
    }
    if (depth === 0) return undefined;
    this.#at = text.length;
    return 'a "(" that is not closed';
  }

  #skipLine(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#text.length : end;
  }

  #giveUpLine(problem: string): string {
    this.#skipLine();
    return problem;
  }
}

/** The words of one line of text; `undefined` where it has a problem or is more than one. */
export function wordsOfLine(text: string): readonly string[] | undefined {
  const reader = new EntryReader(text);
  const entry = reader.next();
  return entry?.problem === undefined && !reader.next() ? (entry?.words ?? []) : undefined;
}

function isBlank(code: number): boolean {
  return code === space || code === tab || code === carriageReturn || code === formFeed;
}

/** A word in quotes ends with them; within another word (`alpn="h2,h3"`) they are part of it. */
function wordEnd(text: string, start: number): number {
  if (text.charCodeAt(start) === quote) return quoteEnd(text, start);
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === lineFeed || isBlank(code)) break;
    if (code === semicolon || code === open || code === close) break;
    if (code === quote) {
      at = quoteEnd(text, at);
      if (at < 0) return at;
    } else at += code === backslash && text.charCodeAt(at + 1) !== lineFeed ? 2 : 1;
  }
  return Math.min(at, text.length);
}

/** Behind the closing quote; -1 where the line or the text ends before it. */
function quoteEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    if (code === lineFeed) return -1;
    if (code === backslash && text.charCodeAt(at + 1) !== lineFeed) at++;
  }
  return -1;
}
