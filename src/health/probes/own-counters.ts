import type { Clock } from '../../base/clock.ts';
import type { Probe } from '../prober.ts';
import type { ProbeTarget } from '../targets.ts';
import { judged, type MetricCheck } from './metric.ts';

/** What the gateway of this node has answered since it started. */
export interface Traffic {
  readonly requests: number;
  /** Those of them with status 5xx. */
  readonly failed: number;
}

/**
 * Probes of our own counters: what they rose by since the probe before. The first of a
 * target, and a share of no requests at all, are nothing to measure.
 */
export function createCounterProbe(clock: Clock, read: () => Traffic | undefined): Probe {
  const readings = new WeakMap<ProbeTarget, Traffic & { readonly atMs: number }>();
  return (target, done) => {
    const timer = clock.after(0, () => {
      const { check } = target;
      const now = read();
      const before = readings.get(target);
      const atMs = clock.monotonicMs();
      if (now) readings.set(target, { ...now, atMs });
      const rise = now && before && riseOf(now, before, (atMs - before.atMs) / 1_000);
      if (!rise || check.type !== 'metric') return done(undefined, 'nothing was counted before');
      const value = rise[check.counter ?? 'requests'];
      if (Number.isNaN(value)) done(undefined, 'there were no requests');
      else done(...judged(value, check));
    });
    return () => timer.cancel();
  };
}

type Rise = Readonly<Record<NonNullable<MetricCheck['counter']>, number>>;

function riseOf(now: Traffic, before: Traffic, seconds: number): Rise | undefined {
  const requests = now.requests - before.requests;
  const failed = now.failed - before.failed;
  if (seconds <= 0 || requests < 0 || failed < 0) return undefined; // counted anew
  return {
    requests: requests / seconds,
    failures: failed / seconds,
    failureShare: requests === 0 ? Number.NaN : failed / requests,
  };
}
