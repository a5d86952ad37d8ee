import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../testdata/exchange.ts';
import { ClientSubnet, writeClientSubnet } from './client-subnet.ts';

function read(text: string): ClientSubnet | undefined {
  const bytes = hex(`ffff${text}`);
  const subnet = new ClientSubnet();
  return subnet.read(bytes, 2, bytes.length) ? subnet : undefined;
}

test('what RFC 7871 allows', () => {
  const golden: [string, number, number, number, string][] = [
    ['0001 18 00 c00002', 1, 24, 0, 'c0000200'],
    ['0001 20 18 c0000201', 1, 32, 24, 'c0000201'],
    ['0001 00 00', 1, 0, 0, '00000000'],
    ['0001 11 00 0a0080', 1, 17, 0, '0a008000'],
    ['0002 38 00 20010db8fd1342', 2, 56, 0, `20010db8fd1342${'00'.repeat(9)}`],
    ['0002 80 00 20010db8000000000000000000000001', 2, 128, 0, '20010db8000000000000000000000001'],
    ['0000 00 00', 0, 0, 0, ''],
  ];
  for (const [text, family, sourceBits, scopeBits, address] of golden) {
    const subnet = read(text);
    assert.ok(subnet, text);
    assert.deepEqual(
      [subnet.family, subnet.sourceBits, subnet.scopeBits],
      [family, sourceBits, scopeBits],
    );
    assert.equal(Buffer.from(subnet.address).toString('hex'), address);
    const written = Buffer.alloc(28);
    const end = writeClientSubnet(written, 0, subnet, scopeBits);
    assert.equal(written.toString('hex', 4, end), text.replaceAll(' ', ''));
    assert.equal(written.readUInt16BE(0), 8);
    assert.equal(written.readUInt16BE(2), end - 4);
  }
});

test('what it calls malformed', () => {
  const malformed = {
    'too few address bytes': '0001 18 00 c000',
    'too many address bytes': '0001 18 00 c0000200',
    'bits beyond the prefix': '0001 17 00 c00001',
    'IPv4 prefix above 32': '0001 21 00 c000020100',
    'IPv6 prefix above 128': `0002 81 00 ${'00'.repeat(17)}`,
    'scope above the address': '0001 18 21 c00002',
    'unknown family': '0003 08 00 0a',
    'family 0 with an address': '0000 08 00 0a',
    short: '0001 18',
    empty: '',
  };
  for (const [what, text] of Object.entries(malformed)) assert.equal(read(text), undefined, what);
});

test('a narrower subnet read after a wider one keeps nothing of it', () => {
  const subnet = new ClientSubnet();
  const wide = hex('0001 20 00 ffffffff');
  const narrow = hex('0001 08 00 0a');
  assert.ok(subnet.read(wide, 0, wide.length));
  assert.ok(subnet.read(narrow, 0, narrow.length));
  assert.deepEqual([...subnet.address], [10, 0, 0, 0]);
});

test('bits beyond the prefix are not sent', () => {
  const bytes = Buffer.alloc(20);
  const address = Uint8Array.of(10, 255, 255, 255);
  const end = writeClientSubnet(bytes, 0, { family: 1, sourceBits: 12, address }, 0);
  assert.equal(bytes.toString('hex', 4, end), '00010c000af0');
});
