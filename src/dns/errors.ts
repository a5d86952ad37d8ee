import { MeridianError, type MeridianErrorOptions } from '../base/errors.ts';

/**
 * Every way in which `src/dns` fails.
 *
 * - `bad_name`, `bad_record_data`: text that is no domain name or no data of its type
 * - `bad_message`: bytes that are no DNS message
 * - `bad_zone`: configured zones that cannot be compiled; `details.problems` lists all of them
 * - `bad_zone_file`: text that is no master file; `details.problems` lists what is wrong, where known
 * - `bad_dnssec_key`: keys of a zone that cannot be read, or that no validator could follow
 * - `bad_lookup`: a look-up that cannot be asked
 * - `transfer_failed`: a zone that could not be had from a primary, and why
 * - `lookup_timeout`, `lookup_failed`: no answer in time; the server cannot be reached
 * - `listen_failed`, `address_in_use`: the server's sockets
 */
export type DnsErrorCode =
  | 'bad_name'
  | 'bad_record_data'
  | 'bad_message'
  | 'bad_zone'
  | 'bad_zone_file'
  | 'bad_dnssec_key'
  | 'bad_lookup'
  | 'transfer_failed'
  | 'lookup_timeout'
  | 'lookup_failed'
  | 'listen_failed'
  | 'address_in_use';

export class DnsError extends MeridianError<DnsErrorCode> {
  constructor(code: DnsErrorCode, message: string, options?: MeridianErrorOptions) {
    super(code, message, options);
    this.name = 'DnsError';
  }
}
