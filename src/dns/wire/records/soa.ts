import { type DomainName, formatName, parseName } from '../name.ts';
import { NameReader } from '../name-reader.ts';
import { badData, badMessageData, type Rdata, type RecordType, rdata } from './record-type.ts';

/** The five numbers of an SOA record, times in seconds. */
export interface SoaNumbers {
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

/** Start of authority (RFC 1035 3.3.13). Text: `mname rname serial refresh retry expire minimum`. */
export const soa: RecordType = {
  name: 'SOA',
  code: 6,
  parse(text, origin) {
    const [primary, hostmaster, ...numbers] = text.trim().split(/\s+/);
    const [serial, refresh, retry, expire, minimum] = numbers.map(readUint32);
    if (numbers.length !== 5 || minimum === undefined || numbers.some((n) => !isUint32(n))) {
      throw badData('SOA', text, 'two names and five numbers');
    }
    const times = { serial: serial!, refresh: refresh!, retry: retry!, expire: expire!, minimum };
    return soaData(parseName(primary!, origin), parseName(hostmaster!, origin), times);
  },
  format(message, start, end, nameText = formatName) {
    const reader = new NameReader();
    const primaryEnd = reader.read(message, start, end);
    if (primaryEnd < 0) throw badMessageData('SOA');
    const primary = nameText(reader.wire, reader.length);
    const at = reader.read(message, primaryEnd, end);
    if (at < 0 || end - at !== 20) throw badMessageData('SOA');
    const hostmaster = nameText(reader.wire, reader.length);
    const numbers = [0, 4, 8, 12, 16].map((offset) => message.readUInt32BE(at + offset));
    return [primary, hostmaster, ...numbers].join(' ');
  },
};

/** Those of an SOA record's data. */
export function soaNumbers({ tail }: Rdata): SoaNumbers {
  const [serial, refresh, retry, expire, minimum] = [0, 4, 8, 12, 16].map((at) =>
    tail.readUInt32BE(at),
  );
  return {
    serial: serial!,
    refresh: refresh!,
    retry: retry!,
    expire: expire!,
    minimum: minimum!,
  };
}

export function soaData(primary: DomainName, hostmaster: DomainName, numbers: SoaNumbers): Rdata {
  const tail = Buffer.alloc(20);
  tail.writeUInt32BE(numbers.serial, 0);
  tail.writeUInt32BE(numbers.refresh, 4);
  tail.writeUInt32BE(numbers.retry, 8);
  tail.writeUInt32BE(numbers.expire, 12);
  tail.writeUInt32BE(numbers.minimum, 16);
  return rdata({ names: [primary, hostmaster], tail });
}

function isUint32(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) <= 0xffff_ffff;
}

function readUint32(text: string): number {
  return Number(text);
}
