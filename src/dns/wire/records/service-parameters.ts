import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { ipv6Octets } from './aaaa.ts';
import { quote, unquote } from './character-string.ts';
import { badData, badMessageData } from './record-type.ts';
import { parseUint, uint16 } from './words.ts';

/** Parameters of service bindings by code (RFC 9460 14.3, RFC 9461, RFC 9540). */
const names = [
  ...['mandatory', 'alpn', 'no-default-alpn', 'port', 'ipv4hint', 'ech', 'ipv6hint'],
  ...['dohpath', 'ohttp'],
];
const reservedCode = 65_535;

/** Text and wire form of the value of one parameter. */
interface Form {
  /** `octets`: the value, its quotes and escapes read; `undefined` where it has none. */
  parse(type: string, octets: Buffer | undefined): Buffer;
  /** `undefined`: malformed. '' for a value that is none. */
  format(octets: Buffer): string | undefined;
}

const flag: Form = {
  parse(type, octets) {
    if (octets) throw badData(type, octets.toString(), 'no value');
    return Buffer.alloc(0);
  },
  format: (octets) => (octets.length === 0 ? '' : undefined),
};

const opaque: Form = {
  parse: (_type, octets) => octets ?? Buffer.alloc(0),
  format: (octets) => (octets.length === 0 ? '' : quote(octets)),
};

/** @param octetsOf one that `isAddress` */
const addresses = (
  isAddress: (text: string) => boolean,
  octetsOf: (text: string) => Buffer,
  bytes: 4 | 16,
): Form => ({
  parse(type, octets) {
    const list = octets?.toString('latin1').split(',') ?? [];
    if (list.length === 0 || !list.every(isAddress)) {
      throw badData(type, octets?.toString() ?? '', 'addresses, parted by commas');
    }
    return Buffer.concat(list.map(octetsOf));
  },
  format(octets) {
    if (octets.length === 0 || octets.length % bytes !== 0) return undefined;
    const list: string[] = [];
    for (let at = 0; at < octets.length; at += bytes) {
      list.push(ipaddr.fromByteArray([...octets.subarray(at, at + bytes)]).toString());
    }
    return list.join(',');
  },
});

const forms: readonly Form[] = [
  {
    parse(type, octets) {
      const codes = (octets?.toString('latin1') ?? '').split(',').map(parameterCode);
      if (codes.includes(undefined) || new Set(codes).size < codes.length) {
        throw badData(type, octets?.toString() ?? '', 'parameters, each once, parted by commas');
      }
      return Buffer.concat((codes as number[]).sort((a, b) => a - b).map(uint16));
    },
    format(octets) {
      if (octets.length === 0 || octets.length % 2 !== 0) return undefined;
      const list: string[] = [];
      for (let at = 0; at < octets.length; at += 2)
        list.push(parameterName(octets.readUInt16BE(at)));
      return list.join(',');
    },
  },
  {
    parse(type, octets) {
      const list = octets ? splitList(octets) : [];
      if (list.length === 0 || list.some(({ length }) => length === 0 || length > 255)) {
        throw badData(type, octets?.toString() ?? '', 'protocols of 1 to 255 octets');
      }
      return Buffer.concat(list.flatMap((item) => [Buffer.of(item.length), item]));
    },
    format: formatList,
  },
  flag,
  {
    parse(type, octets) {
      const port = parseUint(octets?.toString('latin1'), 16);
      if (port === undefined) throw badData(type, octets?.toString() ?? '', 'a port');
      return uint16(port);
    },
    format: (octets) => (octets.length === 2 ? String(octets.readUInt16BE(0)) : undefined),
  },
  addresses(isIPv4, (text) => Buffer.from(text.split('.').map(Number)), 4),
  {
    parse(type, octets) {
      const text = octets?.toString('latin1') ?? '';
      const value = Buffer.from(text, 'base64');
      if (value.length === 0 || value.toString('base64') !== text) {
        throw badData(type, text, 'octets in base64');
      }
      return value;
    },
    format: (octets) => (octets.length === 0 ? undefined : octets.toString('base64')),
  },
  addresses(isIPv6, ipv6Octets, 16),
  opaque,
  flag,
];

/** Code of a parameter by its name, or of `keyN`; `undefined`: it is neither. */
export function parameterCode(name: string): number | undefined {
  const known = names.indexOf(name);
  if (known !== -1) return known;
  const number = /^key(0|[1-9]\d{0,4})$/.exec(name)?.[1];
  if (number === undefined || Number(number) >= reservedCode) return undefined;
  return Number(number);
}

function parameterName(code: number): string {
  return names[code] ?? `key${code}`;
}

/** @param text as it stands after the `=`; `undefined` without one */
export function parseParameter(type: string, code: number, text: string | undefined): Buffer {
  const octets = text === undefined ? undefined : unquote(type, text);
  return (forms[code] ?? opaque).parse(type, octets);
}

/** @throws DnsError `bad_message` */
export function formatParameter(type: string, code: number, octets: Buffer): string {
  const value = (forms[code] ?? opaque).format(octets);
  if (value === undefined) throw badMessageData(type);
  return value === '' ? parameterName(code) : `${parameterName(code)}=${value}`;
}

const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/** Items parted by commas; `\,` and `\\` stand for themselves (RFC 9460 appendix A.1). */
function splitList(octets: Buffer): Buffer[] {
  const items: number[][] = [[]];
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at]!;
    if (octet === COMMA) items.push([]);
    else items.at(-1)!.push(octet === BACKSLASH ? (octets[++at] ?? BACKSLASH) : octet);
  }
  return items.map((item) => Buffer.from(item));
}

function formatList(octets: Buffer): string | undefined {
  const items: Buffer[] = [];
  for (let at = 0; at < octets.length; ) {
    const end = at + 1 + octets[at]!;
    if (end === at + 1 || end > octets.length) return undefined;
    const escaped = octets.toString('latin1', at + 1, end).replace(/[,\\]/g, '\\$&');
    items.push(Buffer.from(escaped, 'latin1'));
    at = end;
  }
  if (items.length === 0) return undefined;
  const joined = items.flatMap((item, index) => (index === 0 ? [item] : [Buffer.of(COMMA), item]));
  return quote(Buffer.concat(joined));
}
