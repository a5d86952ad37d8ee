import { classIn, metaType } from '../wire/codes.ts';
import { parseName } from '../wire/name.ts';
import { typeCode } from '../wire/records/registry.ts';

export interface RawQuery {
  readonly id?: number;
  /** `undefined`: no question. */
  readonly name?: string;
  readonly type?: string;
  readonly class?: number;
  readonly payload?: number;
  readonly version?: number;
  /** With EDNS only. */
  readonly dnssecOk?: boolean;
  readonly compactOk?: boolean;
  /** Codes and data, as they are. Without, and without `version`, there is no EDNS. */
  readonly options?: readonly (readonly [code: number, data: Uint8Array])[];
}

/** A query byte by byte, with whatever options. */
export function rawQuery(query: RawQuery): Buffer {
  const { name, type = 'A', options, version = 0, payload = 1_232 } = query;
  const hasEdns = options !== undefined || query.version !== undefined;
  const words = (...values: number[]) => Buffer.from(values.flatMap((v) => [v >> 8, v & 0xff]));
  const header = words(query.id ?? 1, 0, name === undefined ? 0 : 1, 0, 0, hasEdns ? 1 : 0);
  const parts: Uint8Array[] = [header];
  if (name !== undefined) {
    parts.push(parseName(name).wire, words(typeCode(type)!, query.class ?? classIn));
  }
  if (hasEdns) {
    const data = (options ?? []).flatMap(([code, octets]) => [words(code, octets.length), octets]);
    const length = data.reduce((sum, { length }) => sum + length, 0);
    parts.push(
      Buffer.of(0),
      words(metaType.opt, payload),
      Buffer.of(0, version, (query.dnssecOk ? 0x80 : 0) | (query.compactOk ? 0x40 : 0), 0),
    );
    parts.push(words(length), ...data);
  }
  return Buffer.concat(parts);
}

/** The data of an option in the OPT record at the end of a response; `undefined`: it has none. */
export function optionOf(response: Buffer, code: number): Buffer | undefined {
  const opt = response.lastIndexOf(Buffer.of(0, 0, metaType.opt, 0x04, 0xd0));
  if (opt < 0) return undefined;
  for (let at = opt + 11; at < response.length; ) {
    const end = at + 4 + response.readUInt16BE(at + 2);
    if (response.readUInt16BE(at) === code) return response.subarray(at + 4, end);
    at = end;
  }
  return undefined;
}
