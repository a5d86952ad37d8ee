import { posix } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import type { Steps } from '../../base/steps.ts';
import { includedFileName } from '../../config/zone-file-name.ts';
import { DnsError } from '../errors.ts';
import { type DomainName, parseName } from '../wire/name.ts';
import type { Rdata } from '../wire/records/record-type.ts';
import { soa } from '../wire/records/soa.ts';
import type { ResourceRecord } from '../zone/record.ts';
import { type Entry, EntryReader, wordsOfLine } from './entries.ts';
import { fillTemplate, parseRange, parseTemplate, type Range, type Template } from './generate.ts';
import type { Place, ZoneFileProblems } from './problems.ts';
import { isSignature, parseData, zoneRecordType } from './record-data.ts';
import { parseTtl } from './ttl.ts';

/** A record and where it was written. */
export interface FileRecord extends ResourceRecord, Place {}

export interface ZoneFileSource {
  /** Of the first file, for messages; those that it includes are named beside it. */
  readonly file: string;
  readonly text: string;
  /** The zone. Without it the file must say `$ORIGIN` before its first relative name. */
  readonly origin?: DomainName | undefined;
  /**
   * The text of an included file, by its name below the folder of the first one, such as
   * `hosts/eu.zone`. `undefined`: there is none. What it throws is told at the `$INCLUDE`.
   */
  readonly include?: ((name: string) => string | undefined) | undefined;
  /** Default: 500,000. */
  readonly maximumRecords?: number | undefined;
}

/** Files within files; deeper is surely a file that includes itself. */
const maximumDepth = 8;
/** Those that are included more than once count each time. */
const maximumIncludes = 1_000;
const maximumLength = 64 * 1_024 * 1_024;
/** 400 MB for each thread that serves them; few lines can generate many. */
const defaultMaximumRecords = 500_000;

/**
 * Reads a master file (RFC 1035 5.1, `$TTL` of RFC 2308 4, BIND's `$GENERATE` and units of
 * time, generic data of RFC 3597 5), class IN. Records are not looked at beside each other
 * here: `gatherZone` does that. Signatures and denial (RRSIG, NSEC …) are left out: they would
 * be of another server's answers. Never throws for what the text says.
 *
 * @returns in the order of the file; those with problems are missing
 */
export function* readZoneFile(
  source: ZoneFileSource,
  problems: ZoneFileProblems,
): Steps<FileRecord[]> {
  const reader = new ZoneFileReader(source, problems);
  yield* reader.read(source.file, source.text, source.origin);
  return reader.records;
}

/** Records in one step: some 0.1 ms. */
const recordsPerStep = 16;

/** What `$INCLUDE` puts back at the end of the file; TTLs go on, as in BIND. */
interface Scope {
  readonly file: string;
  origin: DomainName | undefined;
  owner: DomainName | undefined;
}

class ZoneFileReader {
  readonly records: FileRecord[] = [];
  readonly #problems: ZoneFileProblems;
  readonly #source: ZoneFileSource;
  #scope: Scope;
  #depth = 0;
  #includes = 0;
  #length = 0;
  #stopped = false;
  /** `$TTL`. */
  #defaultTtl: number | undefined;
  /** Of the last record that said one (RFC 1035 5.1); without `$TTL`. */
  #lastTtl: number | undefined;
  /** The owner as it was last written: lists of one name are common. */
  #ownerText: string | undefined;
  #leftOut = false;

  constructor(source: ZoneFileSource, problems: ZoneFileProblems) {
    this.#source = source;
    this.#problems = problems;
    this.#scope = { file: source.file, origin: source.origin, owner: undefined };
  }

  *read(file: string, text: string, origin: DomainName | undefined): Steps<void> {
    const outer = this.#scope;
    this.#scope = { file, origin, owner: outer.owner };
    this.#ownerText = undefined;
    const entries = new EntryReader(text);
    let read = 0;
    for (let entry = entries.next(); entry && !this.#stopped; entry = entries.next()) {
      const more = this.#readEntry(entry);
      if (more) yield* more;
      else if (++read % recordsPerStep === 0) yield;
      if (this.#problems.isFull) this.#stopped = true;
    }
    this.#scope = outer;
    this.#ownerText = undefined;
  }

  /** What the entry stands for, where that is more than a record. */
  #readEntry(entry: Entry): Steps<void> | undefined {
    const { line, indented, words, problem } = entry;
    const place = { file: this.#scope.file, line };
    if (problem !== undefined) {
      this.#problems.error(place, problem);
      return undefined;
    }
    try {
      const [first] = words;
      if (!indented && first!.startsWith('$')) return this.#directive(first!, words, place);
      this.#record(this.#owner(indented ? undefined : first), words, indented ? 0 : 1, place);
    } catch (error) {
      this.#tell(place, error);
    }
    return undefined;
  }

  #tell(place: Place, error: unknown): void {
    if (!(error instanceof DnsError)) throw error;
    this.#problems.error(place, messageOf(error));
  }

  #directive(name: string, words: readonly string[], place: Place): Steps<void> | undefined {
    switch (name.toUpperCase()) {
      case '$ORIGIN':
        expectWords(words, 2, 2, '$ORIGIN and a name');
        this.#scope.origin = this.#name(words[1]!);
        this.#ownerText = undefined;
        return undefined;
      case '$TTL':
        expectWords(words, 2, 2, '$TTL and a time');
        this.#defaultTtl = requireTtl(words[1]!);
        return undefined;
      case '$INCLUDE':
        expectWords(words, 2, 3, '$INCLUDE, a file and perhaps a name');
        return this.#include(words[1]!, words[2]);
      case '$GENERATE':
        expectWords(words, 5, Number.POSITIVE_INFINITY, '$GENERATE, a range, a name, type, data');
        return this.#generate(words, place);
      default:
        throw refused(`expected $ORIGIN, $TTL, $INCLUDE or $GENERATE, got ${shown(name)}`);
    }
  }

  #include(word: string, origin: string | undefined): Steps<void> {
    const name = includedFileName(word.replace(/^"(.*)"$/s, '$1'));
    if (name === undefined) {
      throw refused(
        `expected a file in the folder of the zone's file or below, got ${shown(word)}`,
      );
    }
    const start = origin === undefined ? this.#scope.origin : this.#name(origin);
    if (this.#depth >= maximumDepth) throw refused(`files include files ${maximumDepth} deep`);
    if (++this.#includes > maximumIncludes) {
      this.#stopped = true;
      throw refused(`more than ${maximumIncludes} files are included`);
    }
    const text = this.#source.include?.(name);
    if (text === undefined) throw refused(`there is no file ${shown(name)} to include`);
    this.#length += text.length;
    if (this.#length > maximumLength) {
      this.#stopped = true;
      throw refused(`the files have more than ${maximumLength} characters in all`);
    }
    return this.#readIncluded(name, text, start);
  }

  *#readIncluded(name: string, text: string, origin: DomainName | undefined): Steps<void> {
    this.#depth++;
    yield* this.read(posix.join(posix.dirname(this.#source.file), name), text, origin);
    this.#depth--;
  }

  #generate(words: readonly string[], place: Place): Steps<void> {
    const range = parseRange(words[1]!);
    const owner = parseTemplate(words[2]!);
    const data = words.slice(3);
    // The data may stand in quotes as a whole: `"10 mail$"`.
    const last = data.at(-1)!;
    if (last.startsWith('"')) data[data.length - 1] = last.slice(1, -1);
    const rest = parseTemplate(data.join(' '));
    return this.#generated(range, owner, rest, place);
  }

  *#generated({ start, stop, step }: Range, owner: Template, rest: Template, place: Place) {
    try {
      for (let counter = start, made = 1; counter <= stop && !this.#stopped; counter += step) {
        const filled = wordsOfLine(fillTemplate(rest, counter));
        if (!filled) throw refused('the data that it makes are no words of one line');
        this.#record(this.#name(fillTemplate(owner, counter)), filled, 0, place);
        if (made++ % recordsPerStep === 0) yield;
      }
    } catch (error) {
      this.#tell(place, error);
    }
  }

  /** `[owner] [ttl] [class] type data`, ttl and class in either order. */
  #record(owner: DomainName, words: readonly string[], from: number, place: Place): void {
    let at = from;
    let ttl: number | undefined;
    let hasClass = false;
    for (; at < words.length; at++) {
      const word = words[at]!;
      if (ttl === undefined && /^\d/.test(word)) ttl = requireTtl(word);
      else if (!hasClass && isClass(word)) hasClass = true;
      else break;
    }
    const word = words[at];
    if (word === undefined) throw refused('expected a record type, and the entry ends');
    if (isSignature(word)) {
      this.#leaveOut(word, place);
      return;
    }
    const type = zoneRecordType(word);
    const data = parseData(type, words.slice(at + 1), this.#origin());
    const ttlSeconds = this.#ttl(ttl, type, data, place);
    const { maximumRecords = defaultMaximumRecords } = this.#source;
    if (this.records.length >= maximumRecords) {
      this.#stopped = true;
      throw refused(`the zone has more than ${maximumRecords} records`);
    }
    this.records.push({ owner, type, ttlSeconds, data, file: place.file, line: place.line });
  }

  #leaveOut(word: string, place: Place): void {
    if (!this.#leftOut) {
      this.#problems.warn(
        place,
        `${word.toUpperCase()} and the like are left out: who answers signs`,
      );
    }
    this.#leftOut = true;
  }

  #owner(text: string | undefined): DomainName {
    const scope = this.#scope;
    if (text === undefined) {
      if (!scope.owner) throw refused('begins with white space, and no owner name came before');
      return scope.owner;
    }
    if (text === this.#ownerText && scope.owner) return scope.owner;
    scope.owner = this.#name(text);
    this.#ownerText = text;
    return scope.owner;
  }

  #name(text: string): DomainName {
    return parseName(text, isAbsolute(text) ? undefined : this.#origin());
  }

  #origin(): DomainName {
    const { origin } = this.#scope;
    if (origin) return origin;
    throw refused('neither $ORIGIN nor the name of the zone says what names are relative to');
  }

  /** Explicit, else `$TTL`, else of the record before; of an SOA also its minimum, as in BIND. */
  #ttl(explicit: number | undefined, type: number, data: Rdata, place: Place): number {
    if (explicit !== undefined) {
      this.#lastTtl = explicit;
      return explicit;
    }
    const known = this.#defaultTtl ?? this.#lastTtl;
    if (known !== undefined) return known;
    if (type !== soa.code) throw refused('has no TTL, and neither $TTL nor a TTL came before');
    this.#defaultTtl = data.tail.readUInt32BE(16);
    this.#problems.warn(place, 'no $TTL: the SOA minimum is the TTL of records without one');
    return this.#defaultTtl;
  }
}

/** The class, which must be IN; `false` where the word names none. */
function isClass(word: string): boolean {
  if (/^(?:IN|CLASS1)$/i.test(word)) return true;
  if (!/^(?:CS|CH|HS|NONE|CLASS\d{1,5})$/i.test(word)) return false;
  throw refused(`expected the class IN, got ${shown(word)}`);
}

function requireTtl(word: string): number {
  const ttl = parseTtl(word);
  if (ttl !== undefined) return ttl;
  throw refused(`expected a TTL such as 300 or 1h30m, at most 2147483647 seconds: ${shown(word)}`);
}

/** Ends with a dot that is not escaped. */
function isAbsolute(text: string): boolean {
  return text.endsWith('.') && /(?<!\\)(?:\\\\)*\.$/.test(text);
}

function expectWords(
  words: readonly string[],
  least: number,
  most: number,
  expected: string,
): void {
  if (words.length < least || words.length > most) throw refused(`expected ${expected}`);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

function refused(message: string): DnsError {
  return new DnsError('bad_zone_file', message);
}
