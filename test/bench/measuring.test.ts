import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { verdictOf } from '../../bench/http/case.ts';
import { ResponseReader } from '../../bench/http/load/response-reader.ts';
import { Stalls } from '../../bench/http/load/stalls.ts';
import { jsonLine } from '../../bench/http/report.ts';
import { alternate } from '../../bench/http/rounds.ts';
import { exactly, invert, spreadOf } from '../../bench/statistics.ts';

suite('what a bench says', () => {
  test('a spread has quartiles and extremes, and can be turned over', () => {
    const spread = spreadOf([4, 1, 2, 3, 5]);
    assert.deepEqual(spread, { median: 3, q1: 2, q3: 4, min: 1, max: 5 });
    assert.deepEqual(invert(spread, 60), { median: 20, q1: 15, q3: 30, min: 12, max: 60 });
  });

  test('a target is doubtful while the quartiles straddle it', () => {
    const goal = { what: 'ratio', unit: '', value: spreadOf([1, 2, 3, 4, 5]) } as const;
    assert.equal(verdictOf({ ...goal, atMost: 4 }), 'met');
    assert.equal(verdictOf({ ...goal, atMost: 3.5 }), 'doubtful');
    assert.equal(verdictOf({ ...goal, atMost: 4, disturbed: true }), 'doubtful');
    assert.equal(verdictOf({ ...goal, atMost: 1.5 }), 'missed');
    assert.equal(verdictOf({ ...goal, atLeast: 2 }), 'met');
    assert.equal(verdictOf({ ...goal, value: exactly(1), atMost: 0 }), 'missed');
  });

  test('rounds turn the order round, figures keep it', async () => {
    const order: string[] = [];
    const figures = await alternate(['a', 'b'], 2, async (one) => order.push(one));
    assert.deepEqual(order, ['a', 'b', 'b', 'a']);
    assert.deepEqual(figures, [
      [1, 4],
      [2, 3],
    ]);
  });

  test('a line of JSON names case and peer, also of what was left out', () => {
    const seen = { machine: 'here', peers: { nginx: 'nginx 1.2' }, otherWork: 0 };
    const line = jsonLine({ name: 'tls' }, { peer: 'nginx', leftOut: 'why' }, seen);
    assert.deepEqual(JSON.parse(line), {
      case: 'tls',
      peer: 'nginx',
      peerVersion: 'nginx 1.2',
      leftOut: 'why',
      machine: 'here',
    });
  });
});

suite('the load of a bench', () => {
  test('takes the time in which it stood still off what it touched', () => {
    const stalls = new Stalls(0);
    stalls.look(0.2, 0);
    stalls.look(5.2, 0); // nobody looked from 0.2 to 5.2
    stalls.look(8.2, 100); // 3 ms for 100 messages are work
    stalls.look(10.2, 10); // 2 ms for 10 are not
    assert.equal(stalls.totalMs, 7);
    const within = (fromMs: number, toMs: number) => Number(stalls.within(fromMs, toMs).toFixed(6));
    assert.equal(within(0, 0.2), 0);
    assert.equal(within(1, 6), 4.2);
    assert.equal(within(5.2, 8.2), 0);
    assert.equal(within(0, 20), 7);
    assert.equal(within(1, 9), 5);
  });

  test('reads responses whole, in parts, and those like the last unread', () => {
    const known = { bytes: 0 };
    const reader = new ResponseReader(known);
    const read = (text: string) => reader.read(Buffer.from(text, 'latin1'), text.length);
    const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
    assert.equal(read(ok.slice(0, 20)), undefined);
    assert.deepEqual(read(ok.slice(20)), { status: 200, closes: false });
    assert.equal(known.bytes, ok.length);
    assert.deepEqual(read(ok), { status: 200, closes: false });
    // As long as the last one, but another.
    assert.deepEqual(read('HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno'), {
      status: 503,
      closes: false,
    });
    assert.deepEqual(read('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'), {
      status: 200,
      closes: true,
    });
    assert.throws(() => read(`${ok}more`), /more than one/);
  });
});
