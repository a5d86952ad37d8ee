import type { Exposition, Sample } from './exposition.ts';

/** Of a zone that comes from elsewhere. */
export const secondaryStates = ['empty', 'current', 'stale', 'expired'] as const;

/** Zones on their way between this node and other name servers. */
export interface ZoneFigures {
  readonly secondaries: readonly {
    readonly zone: string;
    readonly state: (typeof secondaryStates)[number];
    /** Of what is served; `undefined`: nothing. */
    readonly serial: number | undefined;
    readonly records: number;
    /** ISO 8601. */
    readonly confirmedAt: string | undefined;
    readonly expiresAt: string | undefined;
    readonly transfers: number;
    readonly failures: number;
  }[];
  readonly notifications: readonly {
    readonly zone: string;
    readonly server: string;
    readonly state: 'sending' | 'acknowledged' | 'unacknowledged';
  }[];
}

/** Writes what is true of transfers; nothing where there are none. */
export function exposeZones(exposition: Exposition, figures: ZoneFigures | undefined): void {
  const { secondaries = [], notifications = [] } = figures ?? {};
  exposition.gauge(
    'meridian_dns_secondary_state',
    'State of each zone that comes from elsewhere: 1 for the one that it is in. `stale`: the last check failed, and the zone is served on; `empty` and `expired`: it is answered with SERVFAIL.',
    secondaries.flatMap(({ zone, state: its }) =>
      secondaryStates.map((state): Sample => [{ zone, state }, state === its ? 1 : 0]),
    ),
  );
  exposition.gauge(
    'meridian_dns_secondary_serial',
    'SOA serial of each zone that comes from elsewhere, as it is served.',
    secondaries.flatMap(({ zone, serial }): Sample[] =>
      serial === undefined ? [] : [[{ zone }, serial]],
    ),
  );
  exposition.gauge(
    'meridian_dns_secondary_records',
    'Records of each zone that comes from elsewhere.',
    secondaries.map(({ zone, records }) => [{ zone }, records]),
  );
  exposition.gauge(
    'meridian_dns_secondary_confirmed_timestamp_seconds',
    'When a primary last said that this is the newest, since 1970.',
    times(secondaries.map(({ zone, confirmedAt }) => [zone, confirmedAt])),
  );
  exposition.gauge(
    'meridian_dns_secondary_expires_timestamp_seconds',
    'When the zone expires if no primary says so again, since 1970.',
    times(secondaries.map(({ zone, expiresAt }) => [zone, expiresAt])),
  );
  exposition.counter(
    'meridian_dns_secondary_transfers_total',
    'Transfers of each zone that came whole, since the node started.',
    secondaries.map(({ zone, transfers }) => [{ zone }, transfers]),
  );
  exposition.counter(
    'meridian_dns_secondary_failures_total',
    'Checks of each zone that no primary answered as it should, since the node started.',
    secondaries.map(({ zone, failures }) => [{ zone }, failures]),
  );
  exposition.gauge(
    'meridian_dns_notify_unacknowledged',
    'Whether a secondary has not acknowledged the newest serial of a zone: 1 or 0.',
    notifications.map(({ zone, server, state }) => [
      { zone, server },
      state === 'unacknowledged' ? 1 : 0,
    ]),
  );
}

function times(all: readonly (readonly [zone: string, at: string | undefined])[]): Sample[] {
  return all.flatMap(([zone, at]): Sample[] =>
    at === undefined ? [] : [[{ zone }, Date.parse(at) / 1_000]],
  );
}
