import { type RawQuery, rawQuery } from '../../../src/dns/testdata/raw-query.ts';
import { pick } from '../../simulation/seeded-random.ts';

const names = [
  'static',
  'rates',
  'big',
  'mid',
  'far',
  'out',
  'loop-a',
  'x.wild',
  'exists.wild',
  'b.c',
  'x.lab',
  'nope',
  'both',
  '_api._tcp',
].map((name) => `${name}.exchange.test`);
const others = ['.', 'test', 'exchange.test', 'example.com', 'id.server', 'version.bind'];
const types = [
  'A',
  'AAAA',
  'TXT',
  'NS',
  'SOA',
  'MX',
  'SRV',
  'ANY',
  'DS',
  'RRSIG',
  'AXFR',
  'OPT',
  'TYPE65280',
];
const optionCodes = [0, 3, 8, 10, 11, 12, 15, 65_001];
/** Where what is changed matters most: flags, counts, names that end or point, the ends of numbers. */
const octets = [0, 1, 3, 0x0c, 0x29, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff];

/** Queries of every kind, and what becomes of them when single octets are lost, added or changed. */
export class PacketSource {
  readonly #random: () => number;
  #last: Buffer = Buffer.alloc(0);

  constructor(random: () => number) {
    this.#random = random;
  }

  next(): Buffer {
    const random = this.#random;
    const chance = random();
    let bytes = chance < 0.1 ? this.#octets(Math.floor(random() * 300)) : this.#query();
    if (chance > 0.95) bytes = Buffer.concat([bytes.subarray(0, this.#place(bytes)), this.#last]);
    for (let changes = Math.floor(random() * 5); changes > 0; changes--)
      bytes = this.#changed(bytes);
    this.#last = bytes;
    return bytes;
  }

  #query(): Buffer {
    const random = this.#random;
    const query: RawQuery = {
      id: Math.floor(random() * 65_536),
      type: pick(random, types),
      ...(random() < 0.95 && { name: pick(random, random() < 0.8 ? names : others) }),
      ...(random() < 0.1 && { class: pick(random, [0, 3, 254, 255]) }),
      ...(random() < 0.05 && { version: 1 }),
      ...(random() < 0.7 && {
        options: this.#options(),
        payload: pick(random, [0, 512, 1_232, 65_535]),
      }),
    };
    const bytes = rawQuery(query);
    if (random() < 0.2) bytes[2] = pick(random, [0x01, 0x20, 0x28, 0x7a, 0x80, 0x85]);
    return bytes;
  }

  #options(): [number, Buffer][] {
    const random = this.#random;
    return Array.from({ length: Math.floor(random() * 4) }, () => {
      const code = pick(random, optionCodes);
      if (code === 8 && random() < 0.7) {
        return [code, Buffer.of(0, 1, 24, 0, Math.floor(random() * 256), 2, 69)];
      }
      if (code === 10 && random() < 0.7) return [code, this.#octets(pick(random, [8, 24, 40]))];
      return [code, this.#octets(Math.floor(random() * 30))];
    });
  }

  #changed(bytes: Buffer): Buffer {
    const random = this.#random;
    const at = this.#place(bytes);
    const kind = random();
    if (kind < 0.15) return bytes.subarray(0, at);
    if (kind < 0.3) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    if (kind < 0.45) {
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.of(pick(random, octets)),
        bytes.subarray(at),
      ]);
    }
    const copy = Buffer.from(bytes);
    if (at < copy.length)
      copy[at] = kind < 0.7 ? pick(random, octets) : copy[at]! ^ (1 << Math.floor(random() * 8));
    return copy;
  }

  #place(bytes: Buffer): number {
    return Math.floor(this.#random() * (bytes.length + 1));
  }

  #octets(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => Math.floor(this.#random() * 256)));
  }
}
