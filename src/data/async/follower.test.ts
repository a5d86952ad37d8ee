import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { eventually } from '../../../test/support/eventually.ts';
import { storeError } from '../../store/errors.ts';
import type { LogFollow, LogMessage, LogState, RegionalLog } from '../../store/regional-log.ts';
import { canaryValue } from './canary.ts';
import type { Copied } from './copier.ts';
import { Follower } from './follower.ts';

/** The own log, and that of `us`, of which the test says what comes when. */
class ScriptedLog implements RegionalLog {
  readonly name = 'b';
  epoch: string | undefined = 'own';
  on: LogFollow | undefined;
  cursor = '{"epoch":"far","sequence":1,"own":"own"}';
  appended: string[] = [];

  async last() {
    return message('us.cursor', 0, Buffer.from(this.cursor));
  }

  async lastOfEach() {
    return [];
  }

  async append({ subject, value }: { subject: string; value: Uint8Array }) {
    this.appended.push(`${subject} ${Buffer.from(value)}`);
    return 1;
  }

  async follow(options: LogFollow) {
    if (options.pattern === 'us.canary') options.onMessage(canary(1), 0);
    else this.on = options;
    if (options.signal.aborted) return;
    await new Promise((resolve) => options.signal.addEventListener('abort', resolve));
  }

  state(): LogState {
    const { epoch } = this;
    const none = { lastSequence: 0, messages: 0, bytes: 0, askedAtMs: 0 };
    return { epoch, ...none, ready: true, problem: undefined };
  }

  async look() {}

  async close() {}
}

function message(subject: string, sequence: number, value: Uint8Array = Buffer.alloc(0)) {
  return { subject, head: '', value, sequence, storedAtMs: 0 } satisfies LogMessage;
}

function canary(number: number, epoch = 'far'): LogMessage {
  const none = new Map();
  const fields = { number, id: `${number}`, node: 'n', epoch, previous: undefined };
  return message('us.canary', number, canaryValue({ ...fields, echoes: none, agesMs: none }));
}

describe('a follower', () => {
  let log: ScriptedLog;
  let follower: Follower;
  let ending: AbortController;
  let copying: Map<string, PromiseWithResolvers<Copied>>;
  let heard: number[];
  let complete: number[];
  let counts: boolean;
  let nowMs: number;

  beforeEach(async () => {
    log = new ScriptedLog();
    [counts, nowMs] = [true, 0];
    ending = new AbortController();
    [copying, heard, complete] = [new Map(), [], []];
    follower = new Follower({
      log,
      from: 'us',
      signal: ending.signal,
      monotonicMs: () => nowMs,
      copy({ subject, sequence }) {
        const copy = Promise.withResolvers<Copied>();
        copying.set(`${subject} ${sequence}`, copy);
        return copy.promise;
      },
      onReached: () => undefined,
      onStart: () => undefined,
      onCanary: ({ number }) => heard.push(number),
      onComplete: ({ number }) => complete.push(number) > 0 && counts,
    });
    await eventually('it to follow', () => log.on);
  });
  afterEach(async () => {
    ending.abort();
    for (const { resolve } of copying.values()) resolve('done');
    await follower.ended;
  });

  const under = (name: string) =>
    eventually(name, () => copying.get(name)) as Promise<PromiseWithResolvers<Copied>>;
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('has all before a canary when what came before it is copied', async () => {
    log.on!.onMessage(message('us.k.a', 5), 1);
    log.on!.onMessage(canary(6), 0);
    const copy = await under('us.k.a 5');
    await settled();
    assert.deepEqual([heard, complete], [[6], []]);
    copy.resolve('done');
    await eventually('the canary to count', () => complete.length === 1);
    assert.deepEqual(complete, [6]);
  });

  it('does not take a canary for proof before what was superseded meanwhile is here', async () => {
    log.on!.onMessage(canary(6), 2);
    log.on!.onMessage(message('us.k.b', 7), 1);
    (await under('us.k.b 7')).resolve('done');
    await settled();
    assert.deepEqual(complete, []);
    log.on!.onMessage(message('us.k.a', 8), 0);
    const copy = await under('us.k.a 8');
    await settled();
    assert.deepEqual(complete, []);
    copy.resolve('done');
    await eventually('the canary to count', () => complete.length === 1);
  });

  it('copies several at once, but what is of one key in order', async () => {
    for (const [sequence, subject] of [
      [5, 'us.k.a'],
      [6, 'us.k.b'],
    ] as const) {
      log.on!.onMessage(message(subject, sequence), 1);
    }
    const first = await under('us.k.a 5');
    await under('us.k.b 6');
    log.on!.onMessage(message('us.k.a', 7), 0);
    await settled();
    await settled();
    assert.ok(!copying.has('us.k.a 7'));
    first.resolve('done');
    await under('us.k.a 7');
  });

  it('proves nothing while something waits whose time is far ahead', async () => {
    log.on!.onMessage(message('us.k.a', 5), 0);
    (await under('us.k.a 5')).resolve('held');
    log.on!.onMessage(canary(6), 0);
    await settled();
    await settled();
    assert.deepEqual([heard, complete], [[6], []]);
    assert.match(follower.problem ?? '', /1 of its writes wait/);
  });

  it('names no key in what it says is wrong: every region gets to hear that', async () => {
    for (const code of ['store_full', 'store_unreachable'] as const) {
      copying.clear();
      log.on!.onMessage(message('us.k.jane.doe', 5), 0);
      const copy = await under('us.k.jane.doe 5');
      log.on = undefined;
      copy.reject(storeError(code, 'b/us.k.jane.doe: no room'));
      const told = await eventually('it to say so', () => follower.problem);
      assert.match(told, code === 'store_full' ? /has no room/ : /store_unreachable/);
      assert.doesNotMatch(told, /jane/);
      await eventually('it to follow again', () => log.on);
    }
  });

  it('goes on at a cursor that was stored for this log, or by older software', async () => {
    assert.deepEqual([log.on!.pattern, log.on!.after], ['us.>', 1]);
    for (const [own, pattern] of [
      [',"own":"before"', '*.k.>'],
      ['', 'us.>'],
    ] as const) {
      const { on } = log;
      log.cursor = `{"epoch":"far","sequence":1${own}}`;
      log.epoch = undefined;
      on!.onMessage(canary(6), 0);
      await eventually('it to begin anew', () => on!.signal.aborted);
      log.on = undefined;
      log.epoch = 'own';
      const followed = await eventually('it to follow', () => log.on);
      assert.equal(followed?.pattern, pattern);
      // The end of the pass over all that it has.
      if (own !== '') followed?.onCaughtUp?.();
      await eventually('it to follow what it writes', () => log.on?.pattern === 'us.>');
    }
  });

  it('keeps no place while what another region wrote waits, and asks for it again', async () => {
    const takes = async (subject: string, sequence: number, copied: Copied) => {
      copying.delete(`${subject} ${sequence}`);
      log.on!.onMessage(message(subject, sequence), 1);
      (await under(`${subject} ${sequence}`)).resolve(copied);
      await settled();
    };
    const follows = (pattern: string) => {
      return eventually(`it to follow ${pattern}`, () => log.on?.pattern === pattern);
    };
    const goesOn = async (firstSequence: number) => {
      log.on!.onCaughtUp?.();
      await follows('us.>');
      await takes('us.k.b', firstSequence, 'done');
      nowMs += 1_000;
      await takes('us.k.c', firstSequence + 1, 'done');
    };
    log.cursor = '{}';
    log.epoch = undefined;
    log.on!.onMessage(canary(6), 0);
    await eventually('it to begin anew', () => log.on!.signal.aborted);
    log.epoch = 'own';
    await follows('*.k.>');
    await takes('ap.k.a', 5, 'held');
    await goesOn(7);
    assert.deepEqual(log.appended, []);
    nowMs += 60_000;
    log.on!.onMessage(canary(9), 0);
    await follows('*.k.>');
    await takes('ap.k.a', 5, 'done');
    await goesOn(10);
    await eventually('a cursor', () => log.appended.length > 0);
    assert.match(log.appended[0]!, /^us.cursor .*"sequence":1[01]/);
  });

  it('says in its place that more is waited for, until a canary counts, and renews it', async () => {
    const comes = async (sequence: number, passedMs: number) => {
      nowMs += passedMs;
      log.on!.onMessage(canary(sequence), 0);
      await settled();
      await settled();
    };
    log.cursor = '{"epoch":"far","sequence":1,"own":"own","anew":true}';
    log.on!.onMessage(canary(6, 'another'), 0);
    await eventually('it to begin anew', () => log.on!.signal.aborted);
    log.on = undefined;
    await eventually('it to follow', () => log.on);
    counts = false;
    log.on!.onMessage(message('us.k.a', 5), 0);
    (await under('us.k.a 5')).resolve('done');
    await comes(6, 1_000);
    counts = true;
    for (const [i, passedMs] of [0, 1_000, 3_599_999, 1].entries()) await comes(7 + i, passedMs);
    const places = log.appended.map((text) => JSON.parse(text.slice('us.cursor '.length)));
    const place = { epoch: 'far', own: 'own' };
    assert.deepEqual(places, [
      { ...place, sequence: 5, anew: true },
      { ...place, sequence: 7 },
      { ...place, sequence: 9 },
    ]);
  });

  it('proves nothing when the own log may be another one than at the start', async () => {
    const { on } = log;
    log.epoch = undefined;
    on!.onMessage(canary(6), 0);
    await eventually('it to begin anew', () => follower.problem?.includes('made anew'));
    assert.deepEqual(complete, []);
    assert.ok(on!.signal.aborted);
  });
});
