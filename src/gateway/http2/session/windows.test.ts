import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { get, post } from '../../../../test/support/http2-cases.ts';
import { BareSession } from '../../../../test/support/http2-session.ts';
import {
  block,
  END_STREAM,
  fieldFrames,
  frame,
  frameTypes,
  PADDED,
  type RawFrame,
  settings,
  uint32,
} from '../../../../test/support/raw-http2.ts';
import type { FloodBudgets } from './floods.ts';
import { defaultSessionLimits } from './session-limits.ts';

const { DATA, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE } = frameTypes;
const { connectionWindow } = defaultSessionLimits;

const endless = { burst: Number.POSITIVE_INFINITY, perSecond: 0 };
/** What is asked for here is more than a peer could do in the time. */
const floods = new Proxy({} as FloodBudgets, { get: () => endless });

const head = (id: number, fields = post(), flags = 0) =>
  Buffer.concat(fieldFrames(id, block(fields), flags));
const data = (id: number, bytes: number, padding = 0, flags = 0) =>
  padding === 0
    ? frame(DATA, flags, id, Buffer.alloc(bytes))
    : frame(
        DATA,
        flags | PADDED,
        id,
        Buffer.concat([Buffer.from([padding]), Buffer.alloc(bytes + padding)]),
      );
const reset = (id: number) => frame(RST_STREAM, 0, id, uint32(8));

/** What a peer may still send on the connection, by what it was told. */
class PeerWindow {
  #left = connectionWindow;

  take(bytes: number): void {
    this.#left -= bytes;
    assert.ok(this.#left >= 0, 'the test itself keeps to the window');
  }

  hear(frames: readonly RawFrame[]): void {
    for (const { type, stream, payload } of frames) {
      if (type === WINDOW_UPDATE && stream === 0) this.#left += payload.readUInt32BE(0);
    }
    assert.ok(this.#left <= connectionWindow, 'more was given back than came');
  }

  get left(): number {
    return this.#left;
  }
}

type Step =
  | { readonly does: 'open'; readonly length: number | undefined; readonly malformed: boolean }
  | { readonly does: 'data'; readonly at: number; readonly bytes: number; readonly padding: number }
  | { readonly does: 'end' | 'cancel' | 'reset' | 'discard' | 'answer'; readonly at: number }
  | { readonly does: 'consume'; readonly at: number; readonly share: number };

const at = fc.nat(1_000);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    does: fc.constant('open' as const),
    length: fc.option(fc.nat(5_000), { nil: undefined }),
    malformed: fc.boolean(),
  }),
  fc.record({
    does: fc.constant('data' as const),
    at,
    bytes: fc.nat(16_000),
    padding: fc.oneof(fc.constant(0), fc.nat(255)),
  }),
  fc.record({ does: fc.constantFrom('end', 'cancel', 'reset', 'discard', 'answer'), at }),
  fc.record({
    does: fc.constant('consume' as const),
    at,
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
);

/** A session, and a peer that keeps to its windows, whatever else it does. */
class Conversation {
  readonly bare = new BareSession('server', { floods });
  readonly window = new PeerWindow();
  /** All that were ever opened: the peer may go on with those that we have dropped. */
  readonly #ids: number[] = [];
  readonly #ended = new Set<number>();

  take(one: Step): void {
    if (one.does === 'open') this.#open(one.length, one.malformed);
    else {
      const id = this.#ids[one.at % this.#ids.length];
      if (id === undefined || this.#ended.has(id)) return;
      if (one.does === 'data') this.#send(id, one.bytes, one.padding);
      else if (one.does === 'end') this.#end(id, data(id, 0, 0, END_STREAM));
      else if (one.does === 'cancel') this.#end(id, reset(id));
      else this.#handle(id, one);
    }
    this.window.hear(this.bare.sent());
  }

  /** The peer takes back what is left. */
  close(): void {
    for (const id of this.#ids) if (!this.#ended.has(id)) this.#end(id, reset(id));
    this.window.hear(this.bare.sent());
  }

  #open(length: number | undefined, malformed: boolean): void {
    const id = 2 * this.#ids.push(0) - 1;
    this.#ids[this.#ids.length - 1] = id;
    const fields: [string, string][] = malformed && id % 8 === 1 ? [['Bad', '']] : [];
    if (length !== undefined) fields.push(['content-length', String(length)]);
    this.bare.receive(head(id, post('/', ...fields)));
  }

  #send(id: number, bytes: number, padding: number): void {
    const total = bytes + (padding === 0 ? 0 : padding + 1);
    if (total > Math.min(16_384, this.window.left)) return;
    this.window.take(total);
    this.bare.receive(data(id, bytes, padding));
  }

  #end(id: number, bytes: Buffer): void {
    this.#ended.add(id);
    this.bare.receive(bytes);
  }

  /** What is done with a stream on our side. */
  #handle(id: number, { does, share = 0 }: { does: string; share?: number }): void {
    const kept = this.bare.streams.find(({ stream }) => stream.id === id);
    if (!kept) return;
    const { stream } = kept;
    if (does === 'reset') stream.reset(8);
    else if (does === 'discard') stream.discard();
    else if (does === 'consume') {
      const bytes = Math.floor(kept.bytes * share);
      kept.bytes -= bytes;
      stream.consume(bytes);
    } else {
      stream.head([':status', '200']);
      stream.end([]);
      stream.flush();
    }
  }
}

test('property: whatever becomes of streams, their windows come back', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const conversation = new Conversation();
      for (const one of steps) conversation.take(one);
      conversation.close();
      assert.equal(conversation.bare.over, undefined);
      const { left } = conversation.window;
      // The last half is announced with what comes next.
      assert.ok(left > connectionWindow / 2, `${left} are left`);
    }),
    { numRuns: 60 },
  );
});

test('10,000 streams that are taken back with content leave the window as it was', () => {
  const bare = new BareSession('server', { floods });
  const window = new PeerWindow();
  for (let count = 0; count < 10_000; count++) {
    const id = 2 * count + 1;
    window.take(1_000 + 101);
    bare.receive(head(id), data(id, 1_000), data(id, 0, 100), reset(id));
    window.hear(bare.sent());
  }
  assert.ok(window.left > connectionWindow / 2);
  assert.equal(bare.streams.length, 10_000);
  assert.equal(bare.session.table.size, 0);
});

test('10,000 streams that are refused, dropped and sent on regardless neither', () => {
  const bare = new BareSession('server', { floods });
  const window = new PeerWindow();
  for (let count = 0; count < 10_000; count++) {
    const id = 2 * count + 1;
    const fields = count % 2 === 0 ? post('/', ['Bad', '']) : post('/', ['content-length', '1']);
    window.take(2_000);
    bare.receive(head(id, fields), data(id, 1_000), data(id, 1_000));
    window.hear(bare.sent());
  }
  assert.ok(window.left > connectionWindow / 2);
  assert.equal(bare.over, undefined);
});

test('padding comes back while its stream goes on', () => {
  const bare = new BareSession('server', { floods });
  const window = new PeerWindow();
  bare.receive(head(1));
  for (let count = 0; count < 10_000; count++) {
    window.take(256);
    bare.receive(data(1, 1, 254));
    bare.streams[0]!.stream.consume(1);
    window.hear(bare.sent());
  }
  assert.deepEqual(bare.streams[0]!.ends, []);
  assert.equal(bare.over, undefined);
});

test('a stream that nobody consumes holds its own window and no more', () => {
  const bare = new BareSession('server', { floods });
  const window = new PeerWindow();
  bare.receive(head(1), head(3));
  for (let sent = 0; sent < 256 * 1024; sent += 16_384) {
    window.take(16_384);
    bare.receive(data(1, 16_384));
  }
  for (let count = 0; count < 1_000; count++) {
    window.take(10_000);
    bare.receive(data(3, 10_000));
    bare.streams[1]!.stream.consume(10_000);
    window.hear(bare.sent());
  }
  assert.equal(bare.over, undefined);
  bare.receive(data(1, 1));
  assert.deepEqual(bare.streams[0]!.ends, [['malformed', 3]]);
  assert.equal(bare.over, undefined);
});

test('more than the window of the connection is the end of it', () => {
  const bare = new BareSession('server', { floods });
  for (let id = 1; id <= 9; id += 2) bare.receive(head(id));
  for (let sent = 0; sent < connectionWindow; sent += 16_384) {
    bare.receive(data(1 + 2 * Math.floor(sent / (256 * 1024)), 16_384));
  }
  assert.equal(bare.over, undefined);
  bare.receive(data(9, 1));
  assert.deepEqual(bare.over, { code: 3 });
});

/** A response of so many octets on each of the requests. */
function respond(bare: BareSession, bytes: number): void {
  for (const { stream } of bare.streams) {
    stream.head([':status', '200']);
    stream.data(Buffer.alloc(bytes), 0, bytes, false);
    stream.end([]);
    stream.flush();
  }
}

const octets = (frames: readonly RawFrame[], id: number) =>
  frames
    .filter(({ type, stream }) => type === DATA && stream === id)
    .reduce((sum, { payload }) => sum + payload.length, 0);

test('responses take turns, and one whose window is closed holds up nobody', () => {
  const bare = new BareSession('server');
  bare.receive(frame(WINDOW_UPDATE, 0, 0, uint32(10_000_000)));
  bare.receive(frame(SETTINGS, 0, 0, settings([4, 200_000])));
  for (let id = 1; id <= 9; id += 2) bare.receive(head(id, get(), END_STREAM));
  bare.streams[0]!.stream.outgoing.window = 10;
  respond(bare, 200_000);
  const frames = bare.sent();
  assert.equal(octets(frames, 1), 10);
  for (let id = 3; id <= 9; id += 2) assert.equal(octets(frames, id), 200_000);
  // After the first, which had the writer to itself, nobody is two turns ahead of another.
  const seen = new Map<number, number>();
  for (const { type, stream, payload } of frames) {
    if (type !== DATA || stream < 5) continue;
    seen.set(stream, (seen.get(stream) ?? 0) + payload.length);
    if (seen.size === 3)
      assert.ok(Math.max(...seen.values()) - Math.min(...seen.values()) <= 65_536);
  }
  bare.receive(frame(WINDOW_UPDATE, 0, 1, uint32(199_990)));
  assert.equal(octets(bare.sent(), 1), 199_990);
});

/** Counts what is sent against what the peer has allowed, for three streams. */
class Ledger {
  readonly bare = new BareSession('server', { floods });
  readonly ids = [1, 3, 5];
  connection = 65_535;
  readonly windows = new Map(this.ids.map((id) => [id, 65_535]));
  readonly got = new Map(this.ids.map((id) => [id, 0]));
  #initial = 65_535;

  constructor() {
    for (const id of this.ids) this.bare.receive(head(id, get(), END_STREAM));
  }

  resize(to: number): void {
    for (const id of this.ids) this.#widen(id, to - this.#initial);
    this.#initial = to;
    this.bare.receive(frame(SETTINGS, 0, 0, settings([4, to])));
  }

  update(id: number, by: number): void {
    if (id === 0) this.connection += by;
    else this.#widen(id, by);
    this.bare.receive(frame(WINDOW_UPDATE, 0, id, uint32(by)));
  }

  #widen(id: number, by: number): void {
    this.windows.set(id, this.windows.get(id)! + by);
  }

  /** Nobody sent too much, and nobody who may send holds anything back. */
  count(bytes: number): void {
    for (const { type, stream, payload } of this.bare.sent()) {
      if (type !== DATA || payload.length === 0) continue;
      this.connection -= payload.length;
      this.#widen(stream, -payload.length);
      this.got.set(stream, this.got.get(stream)! + payload.length);
      assert.ok(this.windows.get(stream)! >= 0 && this.connection >= 0);
    }
    for (const id of this.ids) {
      if (this.windows.get(id)! > 0 && this.connection > 0) assert.equal(this.got.get(id), bytes);
    }
  }
}

test('property: no more is sent than any window allows, in the end all of it', () => {
  const change = fc.oneof(
    fc.record({ id: fc.constant(-1), by: fc.nat(70_000) }),
    fc.record({ id: fc.constantFrom(0, 1), by: fc.integer({ min: 1, max: 40_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.nat(100_000), (changes, bytes) => {
      const ledger = new Ledger();
      respond(ledger.bare, bytes);
      ledger.count(bytes);
      for (const { id, by } of changes) {
        if (id === -1) ledger.resize(by);
        else ledger.update(id, by);
        ledger.count(bytes);
      }
      for (const id of [0, ...ledger.ids]) ledger.update(id, 1_000_000);
      ledger.count(bytes);
      assert.deepEqual([...ledger.got.values()], [bytes, bytes, bytes]);
      assert.equal(ledger.bare.session.table.size, 0);
    }),
    { numRuns: 60 },
  );
});

test('of a stream that begins late it is the window of then that counts', () => {
  const bare = new BareSession('client');
  const { outlet } = bare.session;
  outlet.blocked = true;
  const { stream } = bare.open();
  stream.head([':method', 'POST']);
  stream.data(Buffer.alloc(1_000), 0, 1_000, false);
  stream.flush();
  bare.receive(frame(SETTINGS, 0, 0, settings([4, 100])));
  outlet.blocked = false;
  const frames = bare.sent();
  assert.equal(frames.filter(({ type }) => type === HEADERS).length, 1);
  assert.equal(octets(frames, 1), 100);
});
