import { DnsError } from '../../errors.ts';
import { type DomainName, isWithin, parseName } from '../name.ts';

/**
 * The name in a CNAME or NS record. Relative to the zone without a final dot (RFC 1035 5.1),
 * so a name that repeats the zone without that dot is almost surely a slip: refused, since
 * it would otherwise become `api.example.com.example.com` in silence.
 */
export function parseTarget(text: string, origin: DomainName): DomainName {
  const name = parseName(text, origin);
  if (text.endsWith('.') || origin.wire.length === 1) return name;
  const asAbsolute = parseName(text === '@' ? '.' : text);
  if (isWithin(asAbsolute.key, origin.key)) {
    throw new DnsError(
      'bad_record_data',
      `${JSON.stringify(text)} is relative to the zone: write it with a final dot, or without ${origin}`,
    );
  }
  return name;
}
