import type { DomainName } from '../name.ts';
import { type Rdata, rdata, rdataBytes } from './record-type.ts';
import { uint16 } from './words.ts';

const IPV4_HINT = 4;
const IPV6_HINT = 6;

/** Data that are kept; where health gives more, they are made anew. */
const most = 64;

export interface HintParts {
  /** Priority and target. */
  readonly head: Buffer;
  /** The other parameters by code. */
  readonly values: ReadonlyMap<number, Buffer>;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** Whose addresses they are; `undefined`: those of the owner. */
  readonly target: DomainName | undefined;
}

/**
 * `ipv4hint=auto` and `ipv6hint=auto` of SVCB and HTTPS: the addresses that the target has at
 * that moment and for that client. The same addresses give the same object, by which
 * signatures are found.
 */
export class AutomaticHints {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly target: DomainName | undefined;
  readonly #head: Buffer;
  readonly #values: ReadonlyMap<number, Buffer>;
  readonly #made = new Map<string, Rdata>();

  constructor({ head, values, ipv4, ipv6, target }: HintParts) {
    this.ipv4 = ipv4;
    this.ipv6 = ipv6;
    this.target = target;
    this.#head = head;
    this.#values = values;
  }

  /** The record with these addresses, in any order; none: without the parameter. */
  fill(ipv4: readonly Rdata[], ipv6: readonly Rdata[]): Rdata {
    const hints = [ipv4, ipv6].map((list) =>
      Buffer.concat(list.map(rdataBytes).sort(Buffer.compare)),
    );
    const key = `${hints[0]!.toString('latin1')}|${hints[1]!.toString('latin1')}`;
    const known = this.#made.get(key);
    if (known) return known;
    if (this.#made.size === most) this.#made.clear();
    const data = this.#make(hints[0]!, hints[1]!);
    this.#made.set(key, data);
    return data;
  }

  #make(ipv4: Buffer, ipv6: Buffer): Rdata {
    const values = new Map(this.#values);
    if (ipv4.length > 0) values.set(IPV4_HINT, ipv4);
    if (ipv6.length > 0) values.set(IPV6_HINT, ipv6);
    const tail = Buffer.concat([this.#head, ...parameterOctets(values)]);
    return rdata({ tail, target: this.target });
  }
}

/** In the order of their codes (RFC 9460 2.2). */
export function parameterOctets(values: ReadonlyMap<number, Buffer>): Buffer[] {
  const codes = [...values.keys()].sort((one, other) => one - other);
  return codes.flatMap((code) => {
    const value = values.get(code)!;
    return [uint16(code), uint16(value.length), value];
  });
}

/** Whether a parameter is one that is filled in. */
export function isAutomatic(code: number, value: string | undefined): boolean {
  return value === 'auto' && (code === IPV4_HINT || code === IPV6_HINT);
}

export function automaticHints(
  automatic: ReadonlySet<number>,
  parts: Omit<HintParts, 'ipv4' | 'ipv6'>,
): AutomaticHints | undefined {
  if (automatic.size === 0) return undefined;
  return new AutomaticHints({
    ...parts,
    ipv4: automatic.has(IPV4_HINT),
    ipv6: automatic.has(IPV6_HINT),
  });
}
