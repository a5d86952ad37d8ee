import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { cut } from '../testdata/model-resolver.ts';
import { addressOfKey, networkKey, ReportIntake } from './report-intake.ts';

const limits = { ipv4Prefix: 24, ipv6Prefix: 48, windowMs: 1_000, reportsPerNetwork: 3 };

test('in a window an address counts once and a network so often; then both again', () => {
  const intake = new ReportIntake(limits);
  const admit = (address: string, nowMs = 0) => {
    const { network, refusal } = intake.admit(address, nowMs);
    return refusal ?? network;
  };
  assert.deepEqual(
    ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.3.4'].map((address) =>
      admit(address),
    ),
    ['c0000200', 'repeated', 'c0000200', 'c0000200', 'network_full', 'c0000300'],
  );
  assert.equal(admit('192.0.2.1', 999), 'repeated');
  assert.equal(admit('192.0.2.1', 1_000), 'c0000200');
  assert.equal(admit('2001:db8:1:2:3::1'), '20010db800010000');
  assert.equal(admit('2001:db8:1:2:4::9'), 'repeated', 'a client has a /64');
  assert.equal(admit('::ffff:198.51.100.7'), 'c6336400');
  for (const wrong of ['unknown', '', '1.2.3', '192.0.2.1:80']) {
    assert.equal(admit(wrong), 'no_address');
  }
});

test('nothing of an address stays but its network', () => {
  const intake = new ReportIntake({ ...limits, ipv4Prefix: 16 });
  intake.admit('192.0.2.171', 0);
  const shown = inspect(intake, { depth: 9, showHidden: true });
  assert.doesNotMatch(shown, /192\.0\.2|c00002ab|\b3221226155\b|\b171\b/);
});

test('property: the key of a network is its address, cut', () => {
  const anyAddress = fc
    .constantFrom(4, 16)
    .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
  fc.assert(
    fc.property(anyAddress, fc.integer({ min: 1, max: 64 }), (address, bits) => {
      const prefixBits = Math.min(bits, address.length * 8);
      assert.deepEqual(
        addressOfKey(networkKey(address, prefixBits)),
        cut(address, prefixBits).address,
      );
    }),
  );
});
