import { parseVector, type Vector } from './vector.ts';

interface Known {
  /** Everything from the verdicts on, as it came last. */
  readonly tail: Buffer;
  readonly verdicts: Vector['verdicts'];
}

/** Who is not among so many is read anew each time; a peer cannot make us keep more. */
const mostSpeakers = 512;
const mostKeptBytes = 64 * 1024 * 1024;
const mark = '"verdicts":{';
const empty = `${mark}}}`;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Reads vectors as they come, every 500 ms from each speaker and nearly always with the same
 * verdicts as before: those are not parsed again where their bytes are the same.
 *
 *   {"kind":"verdicts", … ,"sequence":17, … ,"verdicts":{"gateway/a":"up", … }}
 *   └──────────── head: parsed each time ───┘└──── tail: compared ────────────┘
 *
 * The head is parsed with an empty record of verdicts in the place of the tail. Where that is
 * no vector (the fields come in another order, the mark stands elsewhere) all is parsed.
 */
export class VectorReader {
  readonly #known = new Map<string, Known>();
  #keptBytes = 0;

  /** Throws `SyntaxError`, or `HealthError` (`bad_vector`). `undefined`: it is no vector. */
  read(content: Uint8Array): Vector | undefined {
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    const at = verdictsAt(bytes);
    const head = at < 0 ? undefined : parseHead(bytes.toString('utf8', 0, at));
    const tail = bytes.subarray(Math.max(0, at));
    const speaker = head && `${head.scope}/${head.region}/${head.node}`;
    const known = speaker === undefined ? undefined : this.#known.get(speaker);
    if (head && known?.tail.equals(tail)) return { ...head, verdicts: known.verdicts };
    const message: unknown = JSON.parse(bytes.toString());
    if (!isVerdicts(message)) return undefined;
    const vector = parseVector(message);
    if (speaker !== undefined) this.#keep(speaker, tail, vector.verdicts);
    return vector;
  }

  #keep(speaker: string, tail: Buffer, verdicts: Vector['verdicts']): void {
    const before = this.#known.get(speaker);
    const bytes = this.#keptBytes - (before?.tail.length ?? 0) + tail.length;
    if (!before && this.#known.size >= mostSpeakers) return;
    if (bytes > mostKeptBytes) return;
    this.#keptBytes = bytes;
    this.#known.set(speaker, { tail: Buffer.from(tail), verdicts });
  }
}

/**
 * Where the verdicts begin that are the last field and nothing but names and words; -1:
 * nowhere. A quote after a comma or a brace begins a name, so that what follows means the
 * same whatever stands before.
 */
function verdictsAt(bytes: Buffer): number {
  const at = bytes.indexOf(mark);
  const before = bytes[at - 1];
  if (before !== comma && before !== openBrace) return -1;
  return bytes.indexOf(closeBrace, at + mark.length) === bytes.length - 2 ? at : -1;
}

function parseHead(text: string): Vector | undefined {
  try {
    return parseVector(JSON.parse(text + empty));
  } catch {
    return undefined;
  }
}

function isVerdicts(message: unknown): boolean {
  if (typeof message !== 'object' || message === null || !('kind' in message)) {
    throw new TypeError('not a message');
  }
  return message.kind === 'verdicts';
}
