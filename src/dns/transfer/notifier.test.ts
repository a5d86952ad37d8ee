import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../../test/support/eventually.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { parseName } from '../wire/name.ts';
import { Notifier } from './notifier.ts';
import { TsigSigner } from './tsig.ts';
import { TsigKey } from './tsig-key.ts';
import { findTsig } from './tsig-record.ts';

const key = new TsigKey(parseName('transfer.test'), 'hmac-sha256', Buffer.from('a secret of two'));
const apex = parseName('example.test');

/** A secondary that says nothing but what the test has it say, and a clock that stands still. */
async function peersOf(t: TestContext) {
  const clock = new ManualClock();
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const heard: { bytes: Buffer; from: RemoteInfo }[] = [];
  socket.on('message', (bytes, from) => heard.push({ bytes, from }));
  const failed: string[] = [];
  const notifier = new Notifier({
    clock,
    from: () => '127.0.0.1',
    unacknowledged: ({ serial }, why) => failed.push(`${serial}: ${why}`),
  });
  t.after(() => {
    notifier.close();
    socket.close();
  });
  const { port } = socket.address();
  const tell = (serial: number, by?: TsigKey) => {
    const server = { address: '127.0.0.1', port };
    notifier.update([{ zone: 'example.test', apex, serial, server, key: by }]);
  };
  const hears = (times: number) => eventually(`${times} of them`, () => heard.length >= times);
  /** Answers what was heard last. */
  const answer = (change: (bytes: Buffer) => Buffer = (bytes) => bytes) => {
    const { bytes, from } = heard.at(-1)!;
    const response = Buffer.from(bytes);
    response[2] = response[2]! | 0x80;
    socket.send(change(response), from.port, from.address);
  };
  const state = () => notifier.status()[0]?.state;
  return { notifier, clock, heard, failed, tell, hears, answer, state };
}

test('a secondary is told until it answers, and of each serial once', async (t) => {
  const { clock, heard, tell, hears, answer, state, failed } = await peersOf(t);
  tell(1);
  await hears(1);
  const [first] = heard;
  assert.deepEqual([first!.bytes[2], first!.bytes.readUInt16BE(4)], [0x24, 1]); // NOTIFY, AA
  clock.advance(2_000);
  await hears(2);
  answer();
  await eventually('that it is heard', () => state() === 'acknowledged');
  clock.advance(1e6);
  tell(1);
  tell(2);
  await hears(3);
  assert.equal(state(), 'sending');
  answer();
  await eventually('that it is heard again', () => state() === 'acknowledged');
  assert.deepEqual([heard.length, failed], [3, []]);
});

test('who does not answer is told five times in a minute, and complained of once', async (t) => {
  const { clock, heard, tell, hears, answer, state, failed } = await peersOf(t);
  tell(1);
  for (const [at, delayMs] of [2_000, 4_000, 8_000, 16_000].entries()) {
    await hears(at + 1);
    clock.advance(delayMs - 1);
    clock.advance(1);
  }
  await hears(5);
  clock.advance(29_999);
  assert.equal(state(), 'sending');
  clock.advance(1);
  assert.deepEqual([state(), failed], ['unacknowledged', ['1: it does not answer']]);
  tell(2);
  await hears(6);
  clock.advance(60_000);
  assert.equal(failed.length, 1);
  tell(3);
  await hears(11);
  answer();
  await eventually('that it is heard', () => state() === 'acknowledged');
  tell(4);
  await hears(12);
  clock.advance(60_000);
  assert.deepEqual(failed.at(-1), '4: it does not answer');
  assert.ok(heard.length <= 16);
});

test('who refuses is not asked again', async (t) => {
  const { clock, heard, tell, hears, answer, state, failed } = await peersOf(t);
  tell(1);
  await hears(1);
  answer((bytes) => {
    bytes[3] = 5;
    return bytes;
  });
  await eventually('the refusal', () => state() === 'unacknowledged');
  assert.deepEqual(failed, ['1: it answers REFUSED']);
  clock.advance(1e6);
  assert.equal(heard.length, 1);
});

test('with a key it is signed, and an answer counts if it is', async (t) => {
  const { tell, hears, heard, answer, state } = await peersOf(t);
  tell(1, key);
  await hears(1);
  const { bytes } = heard[0]!;
  const tsig = findTsig(bytes, bytes.length);
  assert.ok(typeof tsig === 'object');
  const without = (message: Buffer) => {
    const plain = Buffer.from(message.subarray(0, tsig.at));
    plain.writeUInt16BE(0, 10);
    return plain;
  };
  answer(without);
  answer((message) => Buffer.concat([Buffer.of(message[0]! ^ 1), message.subarray(1)])); // another id
  answer((message) => message.subarray(0, 5));
  answer((message) => {
    const plain = without(message);
    const signer = new TsigSigner(key, tsig.mac);
    const signed = Buffer.concat([plain, Buffer.alloc(signer.overheadBytes)]);
    return signed.subarray(0, signer.sign(signed, plain.length, 1_700_000_000));
  });
  await eventually('the answer that is signed', () => state() === 'acknowledged');
  // One without came first and did not count, or the refusal behind it would not.
  tell(2, key);
  await hears(2);
  answer(without);
  answer((message) => {
    const plain = without(message);
    plain[3] = 5;
    return plain;
  });
  await eventually('an answer', () => state() !== 'sending');
  assert.equal(state(), 'unacknowledged');
});
