/**
 * Why a gateway does not start, or does not take a revision:
 *
 * - `listen_failed`: an address cannot be listened on; names listener and address
 * - `certificate_invalid`: certificate or key of a listener cannot be used; names it
 * - `region_unknown`: the configuration has no such region
 * - `preparation_over`: what was prepared has been committed or abandoned, or a newer
 *   preparation or the end of the gateway came between
 */
export type GatewayErrorCode =
  | 'listen_failed'
  | 'certificate_invalid'
  | 'region_unknown'
  | 'preparation_over';
