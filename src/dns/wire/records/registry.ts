import { a } from './a.ts';
import { aaaa } from './aaaa.ts';
import { caa } from './caa.ts';
import { cname } from './cname.ts';
import { dname } from './dname.ts';
import { hinfo } from './hinfo.ts';
import { mx } from './mx.ts';
import { naptr } from './naptr.ts';
import { ns } from './ns.ts';
import { cdnskey, cds, dnskey, ds, smimea, sshfp, tlsa } from './numbered-octets.ts';
import { ptr } from './ptr.ts';
import type { NameText, RecordType } from './record-type.ts';
import { https, svcb } from './service-binding.ts';
import { soa } from './soa.ts';
import { srv } from './srv.ts';
import { spf, txt } from './txt.ts';
import { uri } from './uri.ts';

/** Every type whose data we can read and write: the one list to add a type to. */
export const recordTypes: readonly RecordType[] = [
  ...[a, ns, cname, soa, ptr, hinfo, mx, txt],
  ...[aaaa, srv, naptr, dname, ds, sshfp, dnskey, tlsa, smimea],
  ...[cds, cdnskey, svcb, https, spf, uri, caa],
];

const byCode = new Map(recordTypes.map((type) => [type.code, type]));
const byName = new Map(recordTypes.map((type) => [type.name, type]));

/** Types that can be asked for but have no data of their own. */
const questionTypes = new Map([
  ['IXFR', 251],
  ['AXFR', 252],
  ['ANY', 255],
]);

export function recordType(code: number): RecordType | undefined {
  return byCode.get(code);
}

/** The TYPE that text names: `A`, `any`, or `TYPE65` for those without a name here (RFC 3597 5). */
export function typeCode(text: string): number | undefined {
  const name = text.toUpperCase();
  const code = byName.get(name)?.code ?? questionTypes.get(name);
  if (code !== undefined) return code;
  const digits = /^TYPE(\d{1,5})$/.exec(name)?.[1];
  return digits !== undefined && Number(digits) <= 65_535 ? Number(digits) : undefined;
}

export function typeName(code: number): string {
  const name = byCode.get(code)?.name;
  if (name !== undefined) return name;
  for (const [question, questionCode] of questionTypes) if (questionCode === code) return question;
  return `TYPE${code}`;
}

/** Data as text; of an unknown type in the generic form of RFC 3597 5. Throws `bad_message`. */
export function formatRdata(
  code: number,
  message: Buffer,
  start: number,
  end: number,
  nameText?: NameText,
): string {
  const type = byCode.get(code);
  if (type) return type.format(message, start, end, nameText);
  const hex = message.toString('hex', start, end);
  return `\\# ${end - start}${hex === '' ? '' : ` ${hex}`}`;
}
