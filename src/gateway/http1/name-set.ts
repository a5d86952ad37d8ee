const LENGTHS = 32;

/**
 * A set of field names, some given by prefix. A name is compared in lower case and with
 * `_` and `.` as `-`: servers that turn names into variables (CGI, WSGI) cannot tell them
 * apart, so `X_Forwarded_For` forges as well as `X-Forwarded-For`.
 *
 * Nearly all look-ups end at one bit, by first letter and length (31 stands for more):
 *
 *             length 0 … 10 … 31
 *   letter h         ·  · h  ·        host, 4
 *   letter x         ·  · x  x        x-forwarded-…, any from its length on
 *
 * and most of the others at the spellings that nearly everybody uses: `host` and `Host`.
 */
export class NameSet {
  readonly #candidates = new Uint8Array(32 * LENGTHS);
  /** By slot: names as they are mostly spelled. */
  readonly #spellings: (string[] | undefined)[] = new Array(32 * LENGTHS).fill(undefined);
  readonly #names: ReadonlySet<string>;
  readonly #prefixes: readonly string[];

  constructor(names: readonly string[], prefixes: readonly string[]) {
    this.#names = new Set(names);
    this.#prefixes = prefixes;
    for (const name of names) {
      const at = slot(name, name.length);
      this.#candidates[at] = 1;
      const spellings = this.#spellings[at] ?? [];
      this.#spellings[at] = spellings;
      spellings.push(name, capitalised(name));
    }
    for (const prefix of prefixes) {
      for (let length = prefix.length; length < LENGTHS; length++) {
        this.#candidates[slot(prefix, length)] = 1;
      }
    }
  }

  has(name: string): boolean {
    const at = slot(name, name.length);
    if (this.#candidates[at] === 0) return false;
    const spellings = this.#spellings[at];
    if (spellings !== undefined) {
      for (let next = 0; next < spellings.length; next++) {
        if (spellings[next] === name) return true;
      }
    }
    const key = foldedName(name);
    return this.#names.has(key) || this.#prefixes.some((prefix) => key.startsWith(prefix));
  }
}

/** Equal for names that some servers cannot tell apart. */
export function foldedName(name: string): string {
  return name.toLowerCase().replace(/[_.]/g, '-');
}

function slot(name: string, length: number): number {
  return (name.charCodeAt(0) & 0x1f) * LENGTHS + Math.min(length, LENGTHS - 1);
}

/** `content-length` → `Content-Length` */
function capitalised(name: string): string {
  return name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
