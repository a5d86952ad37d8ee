import { DnsError } from '../errors.ts';
import { DomainName, maxNameBytes } from '../wire/name.ts';
import { NameReader } from '../wire/name-reader.ts';
import { rdataOfBytes } from '../wire/records/from-wire.ts';
import type { Rdata } from '../wire/records/record-type.ts';
import type { SoaNumbers } from '../wire/records/soa.ts';
import type { ResourceRecord } from '../zone/record.ts';

/**
 * A zone as it was transferred: octets that threads share and nobody changes.
 *
 *   owner, written out │ TYPE │ TTL │ length │ data, names written out │ owner …
 */
export interface ZoneImage {
  readonly bytes: Uint8Array;
  readonly records: number;
  readonly soa: SoaNumbers;
}

/** What a server holds of its secondary zones, by name: `expired` is not served any more. */
export type TransferredZones = Readonly<Record<string, TransferredZone | 'expired'>>;

export interface TransferredZone {
  readonly serial: number;
  readonly bytes: Uint8Array;
}

/** Octets of a record besides its owner and data. */
const fixedBytes = 8;

/** How large a zone may be. A primary cannot make a secondary hold more. */
export interface ImageLimits {
  readonly bytes: number;
  readonly records: number;
}

export const imageLimits: ImageLimits = { bytes: 64 * 1_024 * 1_024, records: 500_000 };

/** Collects the records of an image, within the limits. */
export class ImageBuilder {
  readonly #limits: ImageLimits;
  #bytes = Buffer.allocUnsafe(4_096);
  #length = 0;
  #records = 0;
  /** With what was left out. */
  #seenBytes = 0;
  #seenRecords = 0;

  constructor(limits: ImageLimits = imageLimits) {
    this.#limits = limits;
  }

  /** @throws DnsError `transfer_failed` where the zone becomes too large */
  add(owner: Uint8Array, type: number, ttlSeconds: number, data: Uint8Array): void {
    this.#count(owner.length + fixedBytes + data.length);
    const end = this.#length + owner.length + fixedBytes + data.length;
    this.#records++;
    if (end > this.#bytes.length) this.#grow(end);
    const to = this.#bytes;
    to.set(owner, this.#length);
    let at = this.#length + owner.length;
    at = to.writeUInt16BE(type, at);
    at = to.writeUInt32BE(ttlSeconds, at);
    at = to.writeUInt16BE(data.length, at);
    to.set(data, at);
    this.#length = end;
  }

  /**
   * Counts a record that is not kept: to read it costs as much.
   *
   * @throws DnsError `transfer_failed` where the zone becomes too large
   */
  leaveOut(owner: Uint8Array, dataBytes: number): void {
    this.#count(owner.length + fixedBytes + dataBytes);
  }

  #count(octets: number): void {
    const { bytes, records } = this.#limits;
    this.#seenBytes += octets;
    if (++this.#seenRecords > records) throw tooLarge(`${records} records`);
    if (this.#seenBytes > bytes) throw tooLarge(`${bytes} octets`);
  }

  build(soa: SoaNumbers): ZoneImage {
    const bytes = new Uint8Array(new SharedArrayBuffer(this.#length));
    bytes.set(this.#bytes.subarray(0, this.#length));
    return { bytes, records: this.#records, soa };
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

function tooLarge(limit: string): DnsError {
  return new DnsError('transfer_failed', `the zone has more than ${limit}, which is the limit`);
}

/**
 * The records of an image, one after the other. Octets that are no image end in an error.
 *
 * @throws DnsError `bad_message`
 */
export function* imageRecords({ bytes }: Pick<ZoneImage, 'bytes'>): Generator<ResourceRecord> {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const names = new NameReader();
  for (let at = 0; at < image.length; ) {
    const ownerEnd = names.read(image, at, image.length);
    if (ownerEnd < 0 || ownerEnd - at > maxNameBytes || ownerEnd - at !== names.length) {
      throw damaged();
    }
    if (ownerEnd + fixedBytes > image.length) throw damaged();
    const owner = new DomainName(Buffer.from(image.subarray(at, ownerEnd)));
    const type = image.readUInt16BE(ownerEnd);
    const ttlSeconds = image.readUInt32BE(ownerEnd + 2);
    const start = ownerEnd + fixedBytes;
    const end = start + image.readUInt16BE(ownerEnd + 6);
    if (end > image.length) throw damaged();
    yield { owner, type, ttlSeconds, data: dataOf(type, image.subarray(start, end), owner) };
    at = end;
  }
}

/** A copy: what is served must not hold the whole image. */
function dataOf(type: number, octets: Buffer, owner: DomainName): Rdata {
  try {
    return rdataOfBytes(type, Buffer.from(octets));
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause;
    throw new DnsError('bad_message', `${cause.message} at ${owner}`, { cause });
  }
}

function damaged(): DnsError {
  return new DnsError('bad_message', 'the transferred zone is damaged');
}
