import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientSubnet } from '../wire/client-subnet.ts';
import { clientNetwork } from './client-address.ts';

test('the source address, when there is no client subnet', () => {
  assert.deepEqual(clientNetwork(undefined, '192.0.2.255'), {
    address: Uint8Array.of(192, 0, 2, 255),
    prefixBits: 32,
  });
  assert.deepEqual(
    clientNetwork(undefined, '::ffff:192.0.2.1')?.address,
    Uint8Array.of(192, 0, 2, 1),
  );
  assert.equal(clientNetwork(undefined, '2001:db8::1')?.prefixBits, 128);
  assert.equal(clientNetwork(undefined, 'fe80::1%lo')?.address.length ?? 16, 16);
  for (const text of ['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '1..2.3', '1.2.3.']) {
    assert.equal(clientNetwork(undefined, text), undefined, text);
  }
});

test('the client subnet, unless it has 0 bits', () => {
  const subnet = new ClientSubnet();
  assert.ok(subnet.read(Uint8Array.of(0, 1, 24, 0, 203, 0, 113), 0, 7));
  assert.equal(clientNetwork(subnet, '192.0.2.1'), subnet);
  assert.equal(subnet.prefixBits, 24);
  assert.ok(subnet.read(Uint8Array.of(0, 1, 0, 0), 0, 4));
  assert.deepEqual(clientNetwork(subnet, '192.0.2.1')?.address, Uint8Array.of(192, 0, 2, 1));
});
