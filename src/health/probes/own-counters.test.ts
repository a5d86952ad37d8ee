import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { type MetricCheckConfig, namedCheckSchema } from '../../config/schema/named-check.ts';
import { createCounterProbe, type Traffic } from './own-counters.ts';

function probing(options: object) {
  const clock = new ManualClock();
  const check = namedCheckSchema.parse({ type: 'metric', ...options }) as MetricCheckConfig;
  const target = { key: 'k', host: 'own counters', port: 0, check, endpoints: [] };
  let traffic: Traffic | undefined;
  const probe = createCounterProbe(clock, () => traffic);
  return (now?: Traffic): string => {
    traffic = now;
    clock.advance(2_000);
    let outcome = '';
    probe(target, (ok, detail) => {
      outcome = `${ok} ${detail}`;
    });
    clock.advance(0);
    return outcome;
  };
}

test('requests and failures per second, since the last probe', () => {
  const requests = probing({ counter: 'requests', above: 1 });
  assert.equal(requests({ requests: 100, failed: 0 }), 'undefined nothing was counted before');
  assert.equal(requests({ requests: 104, failed: 0 }), 'true the value is 2');
  assert.equal(requests({ requests: 106, failed: 9 }), 'false the value is 1, not above 1');
  const failures = probing({ counter: 'failures', below: 1 });
  failures({ requests: 100, failed: 3 });
  assert.equal(failures({ requests: 100, failed: 4 }), 'true the value is 0.5');
});

test('the share of failures; of no requests there is none', () => {
  const share = probing({ counter: 'failureShare', below: 0.5 });
  share({ requests: 10, failed: 0 });
  assert.equal(share({ requests: 14, failed: 1 }), 'true the value is 0.25');
  assert.equal(share({ requests: 16, failed: 3 }), 'false the value is 1, not below 0.5');
  assert.equal(share({ requests: 16, failed: 3 }), 'undefined there were no requests');
});

test('counters that began anew, or that nobody has, are nothing to measure', () => {
  const requests = probing({ counter: 'requests', above: 1 });
  assert.equal(requests(), 'undefined nothing was counted before');
  requests({ requests: 100, failed: 0 });
  assert.equal(requests({ requests: 5, failed: 0 }), 'undefined nothing was counted before');
  assert.equal(requests({ requests: 9, failed: 0 }), 'true the value is 2');
});
