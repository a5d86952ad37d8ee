import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameWriter } from './frame-writer.ts';

function written(write: (writer: FrameWriter) => unknown): string {
  const writer = new FrameWriter();
  write(writer);
  assert.equal(writer.length, writer.take().length);
  write(writer);
  return writer.take().toString('hex');
}

test('each frame, octet by octet', () => {
  const octets = Buffer.from('0123456789');
  const all = Buffer.from('block');
  for (const [write, expected] of [
    [(to: FrameWriter) => to.preface(), '505249202a20485454502f322e300d0a0d0a534d0d0a0d0a'],
    [(to: FrameWriter) => to.headers(1, all, false, 16_384), '000005010400000001626c6f636b'],
    [(to: FrameWriter) => to.headers(3, all, true, 16_384), '000005010500000003626c6f636b'],
    [(to: FrameWriter) => to.headers(3, all.subarray(5), true, 16_384), '000000010500000003'],
    [(to: FrameWriter) => to.data(1, octets, 2, 5, false), '000003000000000001323334'],
    [(to: FrameWriter) => to.data(2 ** 31 - 1, octets, 0, 1, true), '00000100017fffffff30'],
    [(to: FrameWriter) => to.data(1, octets, 0, 0, true), '000000000100000001'],
    [(to: FrameWriter) => to.rstStream(5, 8), '00000403000000000500000008'],
    [(to: FrameWriter) => to.settings([]), '000000040000000000'],
    [
      (to: FrameWriter) =>
        to.settings([
          [4, 2 ** 31 - 1],
          [0x1234, 2 ** 32 - 1],
        ]),
      '00000c04000000000000047fffffff1234ffffffff',
    ],
    [(to: FrameWriter) => to.settingsAck(), '000000040100000000'],
    [(to: FrameWriter) => to.ping(octets, 1, false), '0000080600000000003132333435363738'],
    [(to: FrameWriter) => to.ping(octets, 2, true), '0000080601000000003233343536373839'],
    [(to: FrameWriter) => to.goAway(7, 11), '000008070000000000000000070000000b'],
    [(to: FrameWriter) => to.windowUpdate(9, 2 ** 31 - 1), '0000040800000000097fffffff'],
  ] as const) {
    assert.equal(written(write), expected);
  }
});

test('a long field block goes on in CONTINUATION, and END_HEADERS is on the last', () => {
  const block = Buffer.from('abcdefghij');
  for (const [frameBytes, expected] of [
    [10, ['00000a010500000001', 'abcdefghij']],
    [9, ['000009010100000001', 'abcdefghi', '000001090400000001', 'j']],
    [5, ['000005010100000001', 'abcde', '000005090400000001', 'fghij']],
    [4, ['000004010100000001', 'abcd', '000004090000000001', 'efgh', '000002090400000001', 'ij']],
  ] as const) {
    const writer = new FrameWriter();
    writer.settingsAck();
    const octets = writer.headers(1, block, true, frameBytes);
    assert.equal(octets, writer.length - 9);
    const hex = expected.map((part, at) =>
      at % 2 === 0 ? part : Buffer.from(part).toString('hex'),
    );
    assert.equal(writer.take().subarray(9).toString('hex'), hex.join(''));
  }
});

test('frames gather in order, however many, and what was taken is left alone', () => {
  const writer = new FrameWriter();
  assert.equal(writer.take().length, 0);
  const content = Buffer.alloc(16_384, 'c');
  const expected: string[] = [];
  for (let at = 0; at < 200; at++) {
    assert.equal(writer.data(1, content, 0, at * 7, false), 9 + at * 7);
    expected.push(`${(at * 7).toString(16).padStart(6, '0')}000000000001${'63'.repeat(at * 7)}`);
  }
  const taken = writer.take();
  assert.equal(writer.length, 0);
  writer.data(1, Buffer.alloc(16_384, 'x'), 0, 16_384, false);
  assert.equal(taken.toString('hex'), expected.join(''));
});
