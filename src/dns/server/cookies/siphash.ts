/** Octets of a key. */
export const sipKeyBytes = 16;

/**
 * SipHash-2-4 (Aumasson and Bernstein 2012): a keyed hash of 64 bits over short input. Words of
 * 64 bits stand as two halves of 32, low half first, since JavaScript has no others that cost
 * nothing.
 *
 *   v0  v1  v2  v3
 *   ┌──┬──┬──┬──┬──┬──┬──┬──┐
 *   │lo│hi│lo│hi│lo│hi│lo│hi│
 *   └──┴──┴──┴──┴──┴──┴──┴──┘
 */
export class SipHash {
  readonly #initial = new Uint32Array(8);
  readonly #state = new Uint32Array(8);

  /** `key`: 16 octets. */
  constructor(key: Uint8Array) {
    for (const [word, text] of ['somepseu', 'dorandom', 'lygenera', 'tedbytes'].entries()) {
      const constant = Buffer.from(text, 'latin1');
      const half = (word & 1) * 8;
      this.#initial[2 * word] = constant.readUInt32BE(4) ^ littleEndian(key, half);
      this.#initial[2 * word + 1] = constant.readUInt32BE(0) ^ littleEndian(key, half + 4);
    }
  }

  /** Writes the 8 octets of the hash of `bytes[0, length)` at `at` of `output`. */
  hash(bytes: Uint8Array, length: number, output: Uint8Array, at: number): void {
    const state = this.#state;
    state.set(this.#initial);
    let from = 0;
    for (; from + 8 <= length; from += 8) {
      compress(state, littleEndian(bytes, from), littleEndian(bytes, from + 4));
    }
    let low = 0;
    let high = length << 24;
    for (let left = 0; from + left < length; left++) {
      const octet = bytes[from + left]!;
      if (left < 4) low |= octet << (8 * left);
      else high |= octet << (8 * (left - 4));
    }
    compress(state, low, high);
    state[4]! ^= 0xff;
    for (let round = 0; round < 4; round++) sipRound(state);
    write(output, at, state[0]! ^ state[2]! ^ state[4]! ^ state[6]!);
    write(output, at + 4, state[1]! ^ state[3]! ^ state[5]! ^ state[7]!);
  }
}

function compress(state: Uint32Array, low: number, high: number): void {
  state[6]! ^= low;
  state[7]! ^= high;
  sipRound(state);
  sipRound(state);
  state[0]! ^= low;
  state[1]! ^= high;
}

function sipRound(state: Uint32Array): void {
  mix(state, 0, 2, 13);
  swapHalves(state, 0);
  mix(state, 4, 6, 16);
  mix(state, 0, 6, 21);
  mix(state, 4, 2, 17);
  swapHalves(state, 4);
}

/** `a += b; b = (b <<< bits) ^ a`, where `a` and `b` are the places of low halves; 0 < bits < 32. */
function mix(state: Uint32Array, a: number, b: number, bits: number): void {
  const low = state[b]!;
  const high = state[b + 1]!;
  const sumLow = (state[a]! + low) >>> 0;
  const sumHigh = (state[a + 1]! + high + (sumLow < low ? 1 : 0)) >>> 0;
  state[a] = sumLow;
  state[a + 1] = sumHigh;
  state[b] = ((low << bits) | (high >>> (32 - bits))) ^ sumLow;
  state[b + 1] = ((high << bits) | (low >>> (32 - bits))) ^ sumHigh;
}

/** `<<< 32` */
function swapHalves(state: Uint32Array, at: number): void {
  const low = state[at]!;
  state[at] = state[at + 1]!;
  state[at + 1] = low;
}

function littleEndian(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function write(output: Uint8Array, at: number, word: number): void {
  for (let octet = 0; octet < 4; octet++) output[at + octet] = word >>> (8 * octet);
}
