import type { DomainName } from '../wire/name.ts';
import type { Rdata } from '../wire/records/record-type.ts';

/** One resource record of class IN, wherever it comes from. */
export interface ResourceRecord {
  readonly owner: DomainName;
  readonly type: number;
  readonly ttlSeconds: number;
  readonly data: Rdata;
}
