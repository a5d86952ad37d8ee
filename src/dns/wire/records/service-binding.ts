import { formatName } from '../name.ts';
import { NameReader } from '../name-reader.ts';
import { automaticHints, isAutomatic, parameterOctets } from './automatic-hints.ts';
import { badData, badMessageData, type RecordType, rdata } from './record-type.ts';
import { formatParameter, parameterCode, parseParameter } from './service-parameters.ts';
import { parseTarget } from './target-name.ts';
import { parseUint, uint16, wordsOf } from './words.ts';

/**
 * SVCB and HTTPS (RFC 9460 2): where a service is and how it is spoken to. Text:
 * `priority target key=value …`. Priority 0 is AliasMode, which has no parameters; the target `.` is
 * the owner itself. The value `auto` of a hint of addresses is filled in when it is asked for. On the wire parameters come in the order of their codes, each once:
 *
 *   ┌──────────┬────────┬──────┬────────┬───────┬──────┬─ …
 *   │ priority │ target │ code │ length │ value │ code │
 *   └──────────┴────────┴──────┴────────┴───────┴──────┴─ …
 */
function serviceBinding(name: 'SVCB' | 'HTTPS', code: number): RecordType {
  return {
    name,
    code,
    parse(text, origin) {
      const [priority, target, ...words] = wordsOf(name, text);
      const value = parseUint(priority, 16);
      if (value === undefined || target === undefined) {
        throw badData(name, text, 'a priority and a name, such as `1 . alpn="h2"`');
      }
      if (value === 0 && words.length > 0) {
        throw badData(name, text, 'no parameters with priority 0, which makes an alias');
      }
      const to = parseTarget(target, origin);
      const { values, automatic } = parseParameters(name, text, words);
      const head = Buffer.concat([uint16(value), to.wire]);
      const host = to.wire.length > 1 ? to : undefined;
      const hints = automaticHints(automatic, { head, values, target: host });
      const tail = Buffer.concat([head, ...parameterOctets(values)]);
      return rdata({ tail, target: host, hints });
    },
    format(message, start, end, nameText = formatName) {
      const reader = new NameReader();
      const at = end - start < 3 ? -1 : reader.read(message, start + 2, end);
      if (at < 0) throw badMessageData(name);
      const parts = [`${message.readUInt16BE(start)}`, nameText(reader.wire, reader.length)];
      return [...parts, ...formatParameters(name, message, at, end)].join(' ');
    },
  };
}

export const svcb: RecordType = serviceBinding('SVCB', 64);
export const https: RecordType = serviceBinding('HTTPS', 65);

const MANDATORY = 0;
const ALPN = 1;
const NO_DEFAULT_ALPN = 2;

interface Parameters {
  readonly values: ReadonlyMap<number, Buffer>;
  /** Codes of hints that are filled in. */
  readonly automatic: ReadonlySet<number>;
}

function parseParameters(type: string, text: string, words: readonly string[]): Parameters {
  const values = new Map<number, Buffer>();
  const automatic = new Set<number>();
  for (const word of words) {
    const equals = word.indexOf('=');
    const key = equals === -1 ? word : word.slice(0, equals);
    const code = parameterCode(key);
    if (code === undefined) throw badData(type, text, `a known parameter or keyN, not "${key}"`);
    if (values.has(code) || automatic.has(code)) throw badData(type, text, `"${key}" once`);
    const value = equals === -1 ? undefined : word.slice(equals + 1);
    if (isAutomatic(code, value)) automatic.add(code);
    else values.set(code, parseParameter(type, code, value));
  }
  checkMandatory(type, text, values);
  if (values.has(NO_DEFAULT_ALPN) && !values.has(ALPN)) {
    throw badData(type, text, '`alpn` where there is `no-default-alpn`');
  }
  return { values, automatic };
}

/** Section 8: each is there, and `mandatory` is not among them. */
function checkMandatory(type: string, text: string, values: ReadonlyMap<number, Buffer>): void {
  const mandatory = values.get(MANDATORY);
  if (!mandatory) return;
  for (let at = 0; at < mandatory.length; at += 2) {
    const code = mandatory.readUInt16BE(at);
    if (code === MANDATORY || !values.has(code)) {
      throw badData(type, text, 'in `mandatory` only other parameters that are there');
    }
  }
}

function formatParameters(type: string, message: Buffer, start: number, end: number): string[] {
  const texts: string[] = [];
  let last = -1;
  for (let at = start; at < end; ) {
    if (at + 4 > end) throw badMessageData(type);
    const code = message.readUInt16BE(at);
    const valueEnd = at + 4 + message.readUInt16BE(at + 2);
    if (code <= last || valueEnd > end) throw badMessageData(type);
    last = code;
    texts.push(formatParameter(type, code, message.subarray(at + 4, valueEnd)));
    at = valueEnd;
  }
  return texts;
}
