import { isIPv4, isIPv6 } from 'node:net';
import type { RecordTypeName } from '../schema/zone.ts';
import { absoluteName, nameProblem } from './domain-name.ts';

export interface DataProblem {
  readonly message: string;
  readonly suggestion?: string;
}

/** What is wrong with the data of one record in `zone`, or `undefined`. */
export function dataProblem(
  type: RecordTypeName,
  text: string,
  zone: string,
): DataProblem | undefined {
  switch (type) {
    case 'A':
      return isIPv4(text) ? undefined : { message: `expected an IPv4 address, got "${text}"` };
    case 'AAAA':
      return isIPv6(text) && !text.includes('%')
        ? undefined
        : { message: `expected an IPv6 address, got "${text}"` };
    case 'CNAME':
    case 'DNAME':
    case 'NS':
    case 'PTR':
      return targetProblem(text, zone);
    case 'TXT':
      return textProblem(text);
    default:
      // The name server reads the data of the others, and names the place.
      return undefined;
  }
}

/** Of a name that a record points to. */
export function targetProblem(text: string, zone: string): DataProblem | undefined {
  if (isIPv4(text) || isIPv6(text)) return { message: `expected a name, got the address ${text}` };
  const name = text.toLowerCase();
  if (!name.endsWith('.') && (name === zone || name.endsWith(`.${zone}`))) {
    // The oldest trap of zone files: it would stand for rates.exchange.test.exchange.test.
    const message = `without a final dot the name is relative to the zone ${zone}`;
    return { message, suggestion: `${text}.` };
  }
  const problem = nameProblem(absoluteName(text, zone));
  return problem === undefined ? undefined : { message: problem };
}

const maximumString = 255;

/** Text in quotes is a list of strings; any other text is one, cut where it is too long. */
function textProblem(text: string): DataProblem | undefined {
  if (!text.startsWith('"')) return undefined;
  const quotedString = /\s*"((?:[^"\\]|\\(?:\d{3}|\D))*)"\s*/suy;
  while (quotedString.lastIndex < text.length) {
    const string = quotedString.exec(text)?.[1];
    if (string === undefined) return { message: 'expected strings in double quotes: "one" "two"' };
    const escapes = string.match(/\\\d{3}/g) ?? [];
    const above = escapes.find((octet) => Number(octet.slice(1)) > 255);
    if (above) return { message: `the escape ${above} is above \\255` };
    const octets = Buffer.byteLength(string.replace(/\\\d{3}/g, '.').replace(/\\(.)/gsu, '$1'));
    if (octets > maximumString) {
      return { message: `a string is ${octets} octets long, and 255 is the limit` };
    }
  }
  return undefined;
}
