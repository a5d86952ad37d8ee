import type { HubShape } from '../store.ts';

/**
 * What holds from now on: what is wanted, as soon as the hub is so. A configuration is changed
 * before the hub is, in steps that take a while, and nodes write meanwhile: were they to want
 * three voters where there is one, they would refuse to; and a bucket that is made with one
 * copy where there are three would be lost with a machine. Pure.
 *
 * @param told voters that the hub counts; `undefined`: not known
 */
export function adoptedShape(
  known: HubShape,
  wanted: HubShape,
  told: number | undefined,
): HubShape {
  const grows = wanted.replicas > known.replicas;
  if (grows) return told !== undefined && told >= wanted.replicas ? wanted : known;
  // A hub of three does not become one while it serves.
  return wanted.replicas < Math.min(known.replicas, 3) ? known : wanted;
}
