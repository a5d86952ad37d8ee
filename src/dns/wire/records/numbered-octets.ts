import { badData, badMessageData, type RecordType, rdata } from './record-type.ts';
import { parseUint, uint16, wordsOf } from './words.ts';

/** How octets at the end of record data are written; white space within them has no meaning. */
interface OctetForm {
  readonly name: string;
  /** `undefined`: these are none. */
  parse(text: string): Buffer | undefined;
  format(octets: Buffer): string;
}

const hexadecimal: OctetForm = {
  name: 'hexadecimal',
  parse: (text) => (/^(?:[0-9a-f]{2})+$/i.test(text) ? Buffer.from(text, 'hex') : undefined),
  format: (octets) => octets.toString('hex'),
};

const base64: OctetForm = {
  name: 'base64',
  parse(text) {
    const octets = Buffer.from(text, 'base64');
    return octets.length > 0 && octets.toString('base64') === text ? octets : undefined;
  },
  format: (octets) => octets.toString('base64'),
};

interface NumberedOctets {
  readonly name: string;
  readonly code: number;
  /** What the numbers mean, and how many bits each has. */
  readonly numbers: readonly (readonly [meaning: string, bits: 8 | 16])[];
  readonly octets: OctetForm;
  /** Octets that there must be, by the last number. */
  readonly lengths?: Readonly<Record<number, number>>;
}

/** A record type whose data are numbers and then octets, at least one. */
function numberedOctets(form: NumberedOctets): RecordType {
  const { name, code, numbers, octets, lengths = {} } = form;
  const meanings = numbers.map(([meaning]) => meaning).join(', ');
  const headBytes = numbers.reduce((bytes, [, bits]) => bytes + bits / 8, 0);
  return {
    name,
    code,
    parse(text) {
      const words = wordsOf(name, text);
      const values = numbers.map(([, bits], at) => parseUint(words[at], bits));
      const rest = octets.parse(words.slice(numbers.length).join(''));
      if (!rest || values.includes(undefined)) {
        throw badData(name, text, `${meanings} and octets in ${octets.name}`);
      }
      const length = lengths[values.at(-1)!];
      if (length !== undefined && rest.length !== length) {
        throw badData(name, text, `${length} octets after ${meanings}, not ${rest.length}`);
      }
      const head = values.map((value, at) =>
        numbers[at]![1] === 8 ? Buffer.of(value!) : uint16(value!),
      );
      return rdata({ tail: Buffer.concat([...head, rest]) });
    },
    format(message, start, end) {
      if (end - start <= headBytes) throw badMessageData(name);
      const words: (string | number)[] = [];
      let at = start;
      for (const [, bits] of numbers) {
        words.push(bits === 8 ? message[at]! : message.readUInt16BE(at));
        at += bits / 8;
      }
      return [...words, octets.format(message.subarray(at, end))].join(' ');
    },
  };
}

const delegationSigner = {
  numbers: [
    ['key tag', 16],
    ['algorithm', 8],
    ['digest type', 8],
  ],
  octets: hexadecimal,
  lengths: { 1: 20, 2: 32, 4: 48 },
} as const;

/** The key that signs a delegated zone (RFC 4034 5). */
export const ds: RecordType = numberedOctets({ name: 'DS', code: 43, ...delegationSigner });

/** What the parent is asked to publish as DS (RFC 7344 3.1); `0 0 0 00`: nothing (RFC 8078 4). */
export const cds: RecordType = numberedOctets({ name: 'CDS', code: 59, ...delegationSigner });

const publicKey = {
  numbers: [
    ['flags', 16],
    ['protocol', 8],
    ['algorithm', 8],
  ],
  octets: base64,
} as const;

/** A public key of the zone (RFC 4034 2). */
export const dnskey: RecordType = numberedOctets({ name: 'DNSKEY', code: 48, ...publicKey });

/** The key that the parent is asked to make a DS of (RFC 7344 3.2). */
export const cdnskey: RecordType = numberedOctets({ name: 'CDNSKEY', code: 60, ...publicKey });

/** Fingerprint of the key of a host (RFC 4255, RFC 6594). */
export const sshfp: RecordType = numberedOctets({
  name: 'SSHFP',
  code: 44,
  numbers: [
    ['algorithm', 8],
    ['fingerprint type', 8],
  ],
  octets: hexadecimal,
  lengths: { 1: 20, 2: 32 },
});

const certificateAssociation = {
  numbers: [
    ['usage', 8],
    ['selector', 8],
    ['matching type', 8],
  ],
  octets: hexadecimal,
} as const;

/** Which certificate a service has (RFC 6698 2). */
export const tlsa: RecordType = numberedOctets({
  name: 'TLSA',
  code: 52,
  ...certificateAssociation,
});

/** Which certificate a mailbox has (RFC 8162 2). */
export const smimea: RecordType = numberedOctets({
  name: 'SMIMEA',
  code: 53,
  ...certificateAssociation,
});
