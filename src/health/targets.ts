import type { CheckConfig } from '../config/schema/check.ts';
import type { MetricCheckConfig } from '../config/schema/named-check.ts';
import type { EndpointInfo } from '../config/topology.ts';
import { certificateCheckOf } from './probes/certificate.ts';

/** How a target is probed. */
export type ProbeCheck = CheckConfig | Omit<MetricCheckConfig, 'vantages' | 'quorum'>;

/** One address to probe in one way. Whatever refers to the same is served by one probe. */
export interface ProbeTarget {
  /** Equal exactly when address and check are equal. */
  readonly key: string;
  readonly host: string;
  readonly port: number;
  readonly check: ProbeCheck;
  /** Who signs its certificate, as PEM; `undefined`: the authorities that Node trusts. */
  readonly authority?: string | undefined;
  /** Endpoints of the node's own region at this address, for ejection. */
  readonly endpoints: readonly EndpointInfo[];
}

/** PEM texts by the place that the configuration names. */
export type Authorities = Readonly<Record<string, string>>;

/** What a node probes, each target once. */
export class TargetList {
  readonly #authorities: Authorities;
  readonly #byKey = new Map<string, ProbeTarget & { endpoints: EndpointInfo[] }>();

  constructor(authorities: Authorities) {
    this.#authorities = authorities;
  }

  /** Returns the key of the target. */
  add(host: string, port: number, check: ProbeCheck, localEndpoint?: EndpointInfo): string {
    const fields = Object.entries(check).sort(([one], [other]) => (one < other ? -1 : 1));
    const key = JSON.stringify([host, port, ...fields]);
    let target = this.#byKey.get(key);
    if (!target) {
      const place = certificateCheckOf(check)?.authority;
      const authority = place === undefined ? undefined : this.#authorities[place];
      target = { key, host, port, check, authority, endpoints: [] };
      this.#byKey.set(key, target);
    }
    if (localEndpoint) target.endpoints.push(localEndpoint);
    return key;
  }

  list(): readonly ProbeTarget[] {
    return [...this.#byKey.values()];
  }
}
