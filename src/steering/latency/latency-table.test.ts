import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../network.ts';
import { createWorld, eu, us } from '../testdata/three-regions.ts';
import { LatencyTable } from './latency-table.ts';

const { topology, config } = createWorld({
  latency: [
    { network: '10.0.0.0/8', regions: { 'us-east-1': '20ms' } },
    { network: '10.1.0.0/16', regions: { 'eu-west-1': '5ms' } },
    { network: '2001:db8::/32', regions: { 'eu-west-1': '7ms' } },
  ],
});
const table = new LatencyTable(config.latency.table, topology);
const find = (address: string) => table.find(parseAddress(address) ?? assert.fail());

test('the longest network alone counts: its shorter ones are not merged in', () => {
  const { value, prefixBits } = find('10.1.2.3');
  assert.equal(value?.[eu], 5);
  assert.ok(Number.isNaN(value?.[us]));
  assert.equal(prefixBits, 16);
});

test('the scope of a network ends where a more specific one begins', () => {
  assert.equal(find('10.200.0.1').value?.[us], 20);
  assert.equal(find('10.200.0.1').prefixBits, 9);
  assert.equal(find('10.0.0.1').prefixBits, 16);
});

test('IPv4 and IPv6 are apart', () => {
  assert.equal(find('2001:db8::1').value?.[eu], 7);
  assert.equal(find('a01::1').value, undefined);
});
