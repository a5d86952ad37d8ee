import { metaType } from '../wire/codes.ts';
import { maxLabelBytes, maxNameBytes } from '../wire/name.ts';
import { type Rdata, rdata } from '../wire/records/record-type.ts';
import { typeBitmap } from './type-bitmap.ts';

export const typeRrsig = 46;
export const typeNsec = 47;

/** Types that a name of a signed zone has without a record set: they are made as they are asked for. */
export function isMadeBySigning(type: number): boolean {
  return type === typeNsec || type === typeRrsig;
}

/**
 * Data of the NSEC record that denies (RFC 9824, compact denial): it covers nothing but the name that
 * was asked for, so no zone has to be walked to make it, and none can be walked by it.
 *
 *   name exists, not that type     NSEC  name → \000.name   all types that it has, RRSIG, NSEC
 *   name does not exist            NSEC  name → \000.name   RRSIG, NSEC, NXNAME
 *
 * @param owner in lower case
 * @param types that the name has; none: it is empty, or does not exist (`exists` false)
 */
export function denialData(owner: Buffer, types: readonly number[], exists: boolean): Rdata {
  const all = [...types, typeRrsig, typeNsec, ...(exists ? [] : [metaType.noName])];
  return rdata({ tail: Buffer.concat([successor(owner), typeBitmap(all)]) });
}

/**
 * The next name in canonical order (RFC 4471 3.1.2): a label of one zero octet before it; where
 * there is no room for that, the first label one longer, or one higher.
 */
export function successor(owner: Buffer): Buffer {
  if (owner.length + 2 <= maxNameBytes) return Buffer.concat([Buffer.of(1, 0), owner]);
  const first = owner[0]!;
  const label = owner.subarray(1, 1 + first);
  const rest = owner.subarray(1 + first);
  if (owner.length < maxNameBytes && first < maxLabelBytes) {
    return Buffer.concat([Buffer.of(first + 1), label, Buffer.of(0), rest]);
  }
  return incremented(owner);
}

/** The first label one higher, capitals left out; where nothing is higher, that of the parent. */
function incremented(owner: Buffer): Buffer {
  const end = 1 + owner[0]!;
  const rest = owner.subarray(end);
  let length = owner[0]!;
  while (length > 0 && owner[length] === 0xff) length--;
  if (length === 0) return rest.length > 1 ? incremented(rest) : rest;
  const label = Buffer.from(owner.subarray(1, 1 + length));
  const last = label[length - 1]! + 1;
  label[length - 1] = last === 0x41 ? 0x5b : last;
  return Buffer.concat([Buffer.of(length), label, rest]);
}
