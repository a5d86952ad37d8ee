import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { distanceKm } from './distance.ts';

const london = { latitude: 51.5074, longitude: -0.1278 };
const newYork = { latitude: 40.7128, longitude: -74.006 };
const sydney = { latitude: -33.8688, longitude: 151.2093 };

test('known distances, to 0.1 %', () => {
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < expected / 1_000, `${actual} is not ${expected}`);
  near(distanceKm(london, newYork), 5_570);
  near(distanceKm(london, sydney), 16_994);
  near(distanceKm({ latitude: 90, longitude: 0 }, { latitude: -90, longitude: 0 }), 20_015);
  near(distanceKm({ latitude: 0, longitude: 179 }, { latitude: 0, longitude: -179 }), 222.4);
});

const location = fc.record({
  latitude: fc.double({ min: -90, max: 90, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
});

test('property: symmetric, never NaN, at most half of the circumference', () => {
  fc.assert(
    fc.property(location, location, (from, to) => {
      const there = distanceKm(from, to);
      assert.ok(there >= 0 && there <= 20_016);
      assert.ok(Math.abs(there - distanceKm(to, from)) < 1e-6);
      assert.equal(distanceKm(from, from), 0);
    }),
  );
});
