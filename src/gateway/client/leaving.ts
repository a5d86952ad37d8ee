import type { ConnectionOrigin } from '../exchange/forwarding.ts';
import type { Runtime } from '../runtime.ts';

/** A client that has no request under way is let go. */
export function isDismissed({ draining }: Runtime, { entrance }: ConnectionOrigin): boolean {
  return draining || entrance.gone;
}

/**
 * The next answer closes the connection: clients should go elsewhere. The node or its whole
 * region stops serving soon, the listener is gone, or the region on the other side is.
 */
export function isLeaving(runtime: Runtime, origin: ConnectionOrigin): boolean {
  const { generation } = runtime;
  return isDismissed(runtime, origin) || generation.isLeaving || isFromGoneRegion(runtime, origin);
}

/** The region on the other side is no longer one of the deployment. */
export function isFromGoneRegion(
  { generation }: Runtime,
  { peerRegion }: ConnectionOrigin,
): boolean {
  return peerRegion !== undefined && !generation.hasRegion(peerRegion);
}
