import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealthReport } from '../../health/report.ts';
import { checkStatuses, serviceStatuses } from './health-view.ts';

test('services and checks are shown with how often they changed, and since when they are so', () => {
  const state = { state: 'healthy', reason: 'why', sinceWallMs: 1_500 } as const;
  const report: HealthReport = {
    rejectedFrames: 0,
    lastRejection: undefined,
    regions: [],
    services: [{ ...state, service: 'rates', region: 'eu', flaps: 4, endpoints: [] }],
    checks: [{ ...state, name: 'web', probed: true, flaps: 2 }],
  };
  const shown = { state: 'healthy', reason: 'why', since: '1970-01-01T00:00:01.500Z' };
  assert.deepEqual(serviceStatuses(report, 'eu'), [
    { ...shown, name: 'rates', region: 'eu', flaps: 4, endpoints: [] },
  ]);
  assert.deepEqual(checkStatuses(report), [{ ...shown, name: 'web', probed: true, flaps: 2 }]);
});
