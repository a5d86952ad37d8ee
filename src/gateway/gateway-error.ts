/**
 * Why a gateway does not start, or does not take a revision:
 *
 * - `listen_failed`: an address cannot be listened on; names listener and address
 * - `certificate_invalid`: certificate or key of a listener cannot be used; names it
 * - `region_unknown`: the configuration has no such region
 * - `plugin_failed`: the module of a plugin cannot be used; names plugin and file
 * - `policy_invalid`: a policy refuses its options; names the place
 * - `secret_invalid`: what is signed cannot be, with the secret there is; names the field
 * - `preparation_over`: what was prepared has been committed or abandoned, or a newer
 *   preparation or the end of the gateway came between
 */
export type GatewayErrorCode =
  | 'listen_failed'
  | 'certificate_invalid'
  | 'region_unknown'
  | 'plugin_failed'
  | 'policy_invalid'
  | 'secret_invalid'
  | 'preparation_over';
