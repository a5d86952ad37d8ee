import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import fc from 'fast-check';
import { readServerName } from './client-hello.ts';

/** What Node's client sends first. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const wire = new Duplex({
    read() {},
    write: (chunk, _encoding, done) => {
      wire.emit('hello', chunk);
      done();
    },
  });
  const seen = once(wire, 'hello');
  const socket = connect({ ...options, socket: wire });
  socket.on('error', () => {});
  const [hello] = (await seen) as [Buffer];
  socket.destroy();
  return hello;
}

const hello = await helloOf({ servername: 'shop.example.com', ALPNProtocols: ['h2', 'http/1.1'] });

test('the name of a real client is found, when the hello has come whole and not before', async () => {
  assert.deepEqual(readServerName(hello), { name: 'shop.example.com' });
  for (let end = 0; end < hello.length; end++) {
    assert.equal(readServerName(hello.subarray(0, end)), undefined, String(end));
  }
  assert.deepEqual(readServerName(Buffer.concat([hello, Buffer.from('more')])), {
    name: 'shop.example.com',
  });
  const old = await helloOf({ servername: 'a.test', maxVersion: 'TLSv1.2' });
  assert.deepEqual(readServerName(old), { name: 'a.test' });
  assert.deepEqual(readServerName(await helloOf({ host: '127.0.0.1' })), { name: undefined });
});

test('a hello may be spread over records', () => {
  for (const size of [1, 2, 3, 4, 5, 64, 300]) {
    const records: Buffer[] = [];
    for (let at = 5; at < hello.length; at += size) {
      const part = hello.subarray(at, at + size);
      records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part);
    }
    const spread = Buffer.concat(records);
    assert.deepEqual(readServerName(spread), { name: 'shop.example.com' }, String(size));
    assert.equal(readServerName(spread.subarray(0, -1)), undefined);
  }
});

test('what is no hello has no name, and is told at once', () => {
  for (const text of [
    'GET / HTTP/1.1\r\n',
    '\x15\x03\x01',
    '\x16\x03\x01\0\0',
    '\x16\x03\x01\0\x05\x02',
  ]) {
    assert.deepEqual(readServerName(Buffer.from(text, 'latin1')), { name: undefined }, text);
  }
  const endless = Buffer.from('\x16\x03\x01\x40\x00\x01\xff\xff\xff', 'latin1');
  assert.deepEqual(readServerName(endless), { name: undefined });
});

test('a hello that is damaged anywhere yields a name of its own or none, and never an error', () => {
  const at = fc.integer({ min: 0, max: hello.length - 1 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(at, fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      (edits) => {
        const bytes = Buffer.from(hello);
        for (const [place, octet] of edits) bytes[place] = octet;
        const seen = readServerName(bytes);
        assert.ok(seen?.name === undefined || /^[\x21-\x7e]{1,255}$/.test(seen.name));
      },
    ),
    { numRuns: 2_000 },
  );
});
