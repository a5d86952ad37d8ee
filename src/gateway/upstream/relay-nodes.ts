import { createHash } from 'node:crypto';
import type { NodeInfo, RegionInfo, Topology } from '../../config/topology.ts';
import { type StateCode, unhealthy } from '../../health/table.ts';
import type { LinkIdentity } from '../../link/identity.ts';

/** A node of another region, as a place to relay to. */
export interface RelayNode {
  readonly regionName: string;
  readonly node: NodeInfo;
  /** Its published address, by index; `undefined`: behind a load balancer. */
  readonly published: number | undefined;
  /** Of its link port. */
  readonly port: number;
  readonly identity: LinkIdentity;
  /** Equal where connections may be shared: same region, address and own identity. */
  readonly key: string;
}

/** What is known of published addresses. `HealthTable` satisfies it. */
export interface AddressStates {
  address(index: number): StateCode;
  addressDraining(index: number): boolean;
}

export interface RelayNodesOptions {
  readonly topology: Topology;
  readonly ownRegion: number;
  readonly health: AddressStates;
  readonly identity: LinkIdentity;
  /** Of the link, on every node. */
  readonly port: number;
}

/** How much speaks against a node; one that drains still serves. */
const doubt = { none: 0, draining: 1, unhealthy: 2 } as const;

/** The nodes of the other regions. Those of a region take turns, the doubtful ones last. */
export class RelayNodes {
  readonly #health: AddressStates;
  /** By region index. */
  readonly #nodes: readonly (readonly RelayNode[])[];
  /** By region index: where in `#nodes` the next turn begins. */
  readonly #turns: number[];

  constructor(options: RelayNodesOptions) {
    const { topology, ownRegion, health } = options;
    const fingerprint = fingerprintOf(options.identity);
    this.#health = health;
    this.#nodes = topology.regions.map((region) =>
      region.index === ownRegion || !region.serves || region.edge
        ? []
        : nodesOf(region, options, fingerprint),
    );
    this.#turns = this.#nodes.map(() => 0);
  }

  /**
   * The next node of a region, best first; `undefined`: it has none but `except`. One that
   * stands in for another takes no turn, so that the next request does not begin with the
   * one that has just failed.
   */
  next(region: number, except?: RelayNode): RelayNode | undefined {
    const nodes = this.#nodes[region]!;
    const turn = this.#turns[region]!;
    let best = -1;
    let least: number = Number.POSITIVE_INFINITY;
    for (let step = 0; step < nodes.length; step++) {
      const at = (turn + step) % nodes.length;
      const candidate = nodes[at]!;
      if (candidate === except) continue;
      const against = this.#doubtOf(candidate);
      if (against >= least) continue;
      best = at;
      least = against;
    }
    if (!except) this.#turns[region] = best + 1;
    return nodes[best];
  }

  /** Whether a request that waits there would not be better off at another node of the region. */
  stillGood(region: number, node: RelayNode): boolean {
    if (this.#doubtOf(node) !== doubt.unhealthy) return true;
    return this.#nodes[region]!.every((other) => this.#doubtOf(other) === doubt.unhealthy);
  }

  *keys(): Iterable<string> {
    for (const nodes of this.#nodes) for (const { key } of nodes) yield key;
  }

  #doubtOf({ published }: RelayNode): number {
    if (published === undefined) return doubt.none;
    if (this.#health.address(published) === unhealthy) return doubt.unhealthy;
    return this.#health.addressDraining(published) ? doubt.draining : doubt.none;
  }
}

function nodesOf(
  { name, nodes, addresses }: RegionInfo,
  { port, identity }: RelayNodesOptions,
  fingerprint: string,
): RelayNode[] {
  return nodes.map((node) => ({
    regionName: name,
    node,
    published: addresses.find((address) => address.node === node)?.index,
    port,
    identity,
    key: `link ${name} ${node.address}:${port} ${fingerprint}`,
  }));
}

/** Stays in memory: it is of a secret, if of one that cannot be guessed. */
function fingerprintOf({ ca, cert, key }: LinkIdentity): string {
  return createHash('sha256')
    .update(JSON.stringify([ca, cert, key]))
    .digest('base64');
}
