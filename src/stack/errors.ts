import { MeridianError, type MeridianErrorOptions } from '../base/errors.ts';

/** What can go wrong with a stack as a whole; the message names the thing and the place. */
export type StackErrorCode =
  | 'platform_unsupported'
  | 'state_directory_foreign'
  | 'state_directory_unusable'
  | 'state_directory_lost'
  | 'stack_running'
  | 'stack_not_running'
  | 'stack_record_damaged'
  | 'port_taken'
  | 'port_unusable'
  | 'not_ready'
  | 'name_unknown'
  | 'supervisor_frozen'
  | 'control_failed'
  | 'nodes_unplaceable'
  | 'store_tls_unsupported'
  | 'secret_key_missing'
  | 'hub_not_alone'
  | 'hub_of_one'
  | 'founding_failed'
  | 'founding_running'
  | 'founding_over'
  | 'hub_would_be_lost'
  | 'region_wanted'
  | 'region_in_hub'
  | 'last_copy'
  | 'entries_left'
  | 'entries_unknown'
  | 'growth_running'
  | 'still_ending'
  | 'restart_running'
  | 'restart_failed';

/** @throws MeridianError always. */
export function failStack(
  code: StackErrorCode,
  message: string,
  options?: MeridianErrorOptions,
): never {
  throw new MeridianError<StackErrorCode>(code, message, options);
}
