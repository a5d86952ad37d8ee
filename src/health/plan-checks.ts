import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { Config } from '../config/schema/config.ts';
import type { NamedCheckConfig, ProbedCheckConfig } from '../config/schema/named-check.ts';
import type { CheckInfo, Topology } from '../config/topology.ts';
import type { Subject } from './plan.ts';
import { authorityOf, metricServer } from './probes/authority.ts';
import type { ProbeCheck, TargetList } from './targets.ts';

type PlacedCheck = Exclude<ProbedCheckConfig, { type: 'metric' }>;

/** Computed from the states of other checks. */
export type Derived =
  | { readonly kind: 'calculated'; readonly of: readonly string[]; readonly atLeast: number }
  | { readonly kind: 'inverted'; readonly of: readonly [string] };

const fingerprintCharacters = 6;

/**
 * The checks by name. Their keys end in a fingerprint of the target: where that changes, the
 * old state, what the disk holds and what regions on an older revision still say are of
 * another subject.
 */
export function checkSubjects(
  config: Pick<Config, 'checks'>,
  topology: Topology,
  ownRegion: string,
  targets: TargetList,
): Subject[] {
  const keys = new Map(
    Object.entries(config.checks).map(([name, one]) => [name, keyOf(name, one)]),
  );
  const keyOfCheck = (name: string): string => keys.get(name) ?? '';
  const all = topology.regions.map(({ name }) => name);
  return topology.checks.flatMap((info) => {
    const check = config.checks[info.name];
    if (!check) return [];
    const subject = { ...shared(info, check), key: keyOfCheck(info.name) };
    if (check.type === 'calculated') {
      const of = check.of.map(keyOfCheck);
      return { ...subject, derived: { kind: check.type, of, atLeast: check.atLeast } };
    }
    if (check.type === 'inverted') {
      return { ...subject, derived: { kind: check.type, of: [keyOfCheck(check.of)] } };
    }
    const vantages = check.vantages ?? all;
    const here = vantages.includes(ownRegion) && !check.disabled;
    return {
      ...subject,
      vantages,
      upShare: check.quorum?.up,
      watched: here ? [{ target: addTarget(check, targets), weight: 1 }] : [],
    };
  });
}

function shared(info: CheckInfo, { disabled }: NamedCheckConfig) {
  return {
    region: undefined,
    service: undefined,
    address: undefined,
    check: info,
    vantages: undefined,
    upShare: undefined,
    derived: undefined,
    watched: [],
    minimumShare: 1,
    disabled,
  };
}

function addTarget(check: ProbedCheckConfig, targets: TargetList): string {
  if (check.type === 'metric') {
    const { vantages: _, quorum: __, ...probing } = check;
    if (check.counter !== undefined) return targets.add('own counters', 0, probing);
    const { host, port } = metricServer(check.url);
    return targets.add(host, port, probing);
  }
  const { host, address, port } = check;
  return targets.add(address ?? host, port, probeOf(check));
}

/** As an endpoint of a service is checked, so that one probe serves both. */
function probeOf(check: PlacedCheck): ProbeCheck {
  const { host, address, port, vantages: _, quorum: __, ...probing } = check;
  if (address === undefined) return probing;
  // Probed elsewhere than where its name leads, it is still asked for by that name.
  if (probing.type === 'http' || probing.type === 'https') {
    return { ...probing, host: authorityOf(host, port, probing.type) };
  }
  const serverName = isIP(host) === 0 ? host : undefined;
  if (probing.type === 'tls') return { ...probing, serverName: probing.serverName ?? serverName };
  if (probing.type !== 'grpc' || !probing.tls) return probing;
  return { ...probing, tls: { ...probing.tls, serverName: probing.tls.serverName ?? serverName } };
}

/** `check/NAME/FINGERPRINT`; what is computed has no target. */
function keyOf(name: string, check: NamedCheckConfig): string {
  if (check.type === 'calculated' || check.type === 'inverted') return `check/${name}`;
  const target =
    check.type === 'metric'
      ? [check.counter, check.url, check.query]
      : [check.host, check.address, check.port, 'path' in check && check.path];
  const service = check.type === 'grpc' && check.service;
  const text = JSON.stringify([check.type, ...target, service]);
  const fingerprint = createHash('sha256').update(text).digest('base64url');
  return `check/${name}/${fingerprint.slice(0, fingerprintCharacters)}`;
}
