import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { followInPages } from './follow-in-pages.ts';
import { Paging } from './paging.ts';

const perPage = 2;
const atStart = 7;

interface Follower {
  readonly told: number[];
  caughtUpAt: number | undefined;
  readonly ended: Promise<void>;
}

/** A stream of the messages 1 to 7, whose copy gives two in a page. */
class Stream {
  /** Pages asked for and not ended, at most. */
  pagesAtOnce = 0;
  consumers = 0;
  total = atStart;
  /** Written with each page that is asked for. */
  more = 0;
  /** A message that is lost on its way. */
  lost: number | undefined;
  /** The copy cannot read what it has, and says that there is none. */
  isUnreadable = false;
  /** The copy does not answer. */
  isSilent = false;
  /** What a consumer has to deliver when it is made. */
  pending = 0;
  readonly closed = Promise.withResolvers<void>();
  /** Whose page was asked for, in order. */
  readonly pages: string[] = [];
  readonly #underWay = new Set<string>();
  readonly #inboxes = new Map<string, (error: null, message: object) => void>();
  readonly #flow: (() => void)[] = [];

  readonly connection = {
    isClosed: () => false,
    subscribe: (inbox: string, { callback }: { callback(error: null, message: object): void }) => {
      this.#inboxes.set(inbox, callback);
      const unsubscribe = () => this.#inboxes.delete(inbox);
      return { unsubscribe, closed: this.closed.promise };
    },
    publish: (who: string, request: string, { reply }: { reply: string }) => {
      this.pages.push(who);
      this.#underWay.add(reply);
      this.pagesAtOnce = Math.max(this.pagesAtOnce, this.#underWay.size);
      void this.#answer((JSON.parse(request) as { seq: number }).seq, reply);
    },
    request: async (_subject: string, request: string) => {
      const { config } = JSON.parse(request) as { config: { deliver_subject: string } };
      this.consumers++;
      const reply = '$JS.FC.s.c';
      const askBack = { headers: { code: 100, get: () => undefined }, reply };
      this.#flow.push(() => this.#inboxes.get(config.deliver_subject)?.(null, askBack));
      return { json: () => ({ num_pending: this.pending }) };
    },
  } as unknown as NatsConnection;

  /** Each consumer's server asks whether what it sent has come. */
  askBack(): void {
    for (const ask of this.#flow.splice(0)) ask();
  }

  async #answer(seq: number, reply: string): Promise<void> {
    await turn();
    if (this.isSilent) return;
    this.total += this.more;
    const { total } = this;
    const last = Math.min(total, seq + perPage - 1);
    for (let at = seq; at <= last && !this.isUnreadable; at++) {
      if (at === this.lost) continue;
      const before = at === seq ? 0 : at - 1;
      const fields = { Sequence: at, 'Num-Pending': total - at, 'Last-Sequence': before };
      this.#tell(reply, 0, { ...fields, Subject: 's', 'Time-Stamp': '2026-01-01T00:00:00Z' });
    }
    this.#underWay.delete(reply);
    if (seq > total || this.isUnreadable) this.#tell(reply, 404, {});
    else this.#tell(reply, 204, { 'Num-Pending': total - last, 'Last-Sequence': last });
  }

  #tell(inbox: string, code: number, fields: Readonly<Record<string, string | number>>): void {
    const get = (name: string) => String(fields[name.replace('Nats-', '')] ?? '');
    this.#inboxes.get(inbox)?.(null, { headers: { code, get }, data: new Uint8Array(0) });
  }
}

interface How {
  readonly room?: () => Promise<void> | undefined;
  readonly signal?: AbortSignal;
  readonly isSame?: (upTo: number) => Promise<boolean>;
}

function follow(stream: Stream, paging: Paging, name: string, how: How = {}): Follower {
  const { room, signal = new AbortController().signal, isSame = async () => true } = how;
  const follower = { told: [] as number[], caughtUpAt: undefined as number | undefined };
  const ended = followInPages(stream.connection, {
    stream: 's',
    filter: '>',
    request: (consumer) => consumer,
    afterSequence: 0,
    headersOnly: false,
    inboxPrefix: '_INBOX.a',
    signal,
    ...(room && { room }),
    pages: { subject: name, filter: undefined, paging, isSame },
    onMessage: ({ sequence }) => void follower.told.push(sequence),
    onCaughtUp: () => {
      follower.caughtUpAt = follower.told.length;
    },
  });
  return Object.assign(follower, { ended });
}

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    assert.ok(turns < 1_000, 'it never came');
    await turn();
  }
}

const all = [1, 2, 3, 4, 5, 6, 7];

it('many that begin at once have one page under way, in turn, and each is told of everything', async (t) => {
  const stream = new Stream();
  const paging = new Paging({ atOnce: 1, bytes: 1 });
  const closing = new AbortController();
  t.after(() => closing.abort());
  const names = ['a', 'b', 'c'];
  const followers = names.map((name) => follow(stream, paging, name, { signal: closing.signal }));
  await until(() => stream.consumers === 3);
  for (const { told, caughtUpAt } of followers) {
    assert.deepEqual(told, all);
    assert.equal(caughtUpAt, 7);
  }
  assert.equal(stream.pagesAtOnce, 1);
  assert.equal(stream.pages.join(''), 'abcabcabcabc');
});

it('believes no page that says that there is nothing, where a consumer has something', async (t) => {
  const stream = new Stream();
  const closing = new AbortController();
  t.after(() => closing.abort());
  Object.assign(stream, { isUnreadable: true, pending: atStart });
  const follower = follow(stream, new Paging({ atOnce: 1, bytes: 1 }), 'a', closing);
  await until(() => stream.consumers === 1);
  for (let turns = 0; turns < 20; turns++) await turn();
  assert.equal(follower.caughtUpAt, undefined);
  stream.isUnreadable = false;
  stream.pending = 0;
  stream.askBack();
  await until(() => follower.caughtUpAt === 7);
  assert.deepEqual(follower.told, all);
});

it('asks of each page whether the stream has come so far', async (t) => {
  const stream = new Stream();
  const closing = new AbortController();
  t.after(() => closing.abort());
  const asked: number[] = [];
  const isSame = async (upTo: number) => asked.push(upTo) < 3;
  const paging = new Paging({ atOnce: 1, bytes: 1 });
  const follower = follow(stream, paging, 'a', { signal: closing.signal, isSame });
  await follower.ended;
  assert.deepEqual(
    [asked, follower.told],
    [
      [2, 4, 6],
      [1, 2, 3, 4],
    ],
  );
});

it('one whose reader takes nothing keeps no turn from the others', async (t) => {
  const stream = new Stream();
  const paging = new Paging({ atOnce: 1, bytes: 1 });
  const closing = new AbortController();
  t.after(() => closing.abort());
  const { signal } = closing;
  const taken = Promise.withResolvers<void>();
  let waits = false;
  const room = () => (waits ? taken.promise : undefined);
  const slow = follow(stream, paging, 'slow', { signal, room });
  waits = true; // its first page is under way
  const other = follow(stream, paging, 'other', { signal });
  await until(() => other.caughtUpAt === 7);
  assert.deepEqual(slow.told, [1, 2]);
  taken.resolve();
  await until(() => slow.caughtUpAt === 7);
  assert.deepEqual(slow.told, all);
});

it('one whose reader leaves in the midst of a page gives its turn back at once', async (t) => {
  const stream = new Stream();
  const paging = new Paging({ atOnce: 1, bytes: 1 });
  const [closing, leaving] = [new AbortController(), new AbortController()];
  t.after(() => closing.abort());
  stream.isSilent = true;
  const gone = follow(stream, paging, 'gone', { signal: leaving.signal });
  const other = follow(stream, paging, 'other', { signal: closing.signal });
  await until(() => stream.pages.length === 1);
  await turn();
  stream.isSilent = false;
  leaving.abort();
  await until(() => other.caughtUpAt === 7);
  await gone.ended;
  assert.deepEqual(gone.told, []);
});

it('has told of what was there at the start when it says so, while as much is written as it tells', async () => {
  const stream = new Stream();
  stream.more = perPage;
  const closing = new AbortController();
  const paging = new Paging({ atOnce: 1, bytes: 1 });
  const follower = follow(stream, paging, 'a', { signal: closing.signal });
  await until(() => follower.told.length > 20);
  const { caughtUpAt = 0 } = follower;
  assert.ok(atStart <= caughtUpAt && caughtUpAt <= atStart + 2 * perPage, `at ${caughtUpAt}`);
  closing.abort();
  await follower.ended;
});

it('ends with its signal while its reader takes nothing', async () => {
  const closing = new AbortController();
  const { signal } = closing;
  const never = new Promise<void>(() => undefined);
  const paging = new Paging({ atOnce: 1, bytes: 1 });
  const { ended } = follow(new Stream(), paging, 'a', { signal, room: () => never });
  await turn();
  closing.abort();
  await ended;
});

it('what was written and not told when the consumer is left comes in pages, and another consumer', async (t) => {
  const stream = new Stream();
  const closing = new AbortController();
  t.after(() => closing.abort());
  const paging = new Paging({ atOnce: 1, bytes: 1 });
  const follower = follow(stream, paging, 'a', { signal: closing.signal });
  await until(() => stream.consumers === 1);
  stream.askBack();
  await until(() => stream.consumers === 2);
  assert.deepEqual(follower.told, all);
  assert.equal(stream.pages.length, 5, 'one page more, of nothing');
  closing.abort();
  await follower.ended;
});

it('tells nothing of a page when the stream has another life by then, and ends', async () => {
  const stream = new Stream();
  const paging = new Paging({ atOnce: 1, bytes: 1 });
  const follower = follow(stream, paging, 'a', { isSame: async () => stream.pages.length < 2 });
  await follower.ended;
  assert.deepEqual(follower.told, [1, 2]);
  assert.equal(follower.caughtUpAt, undefined);
});

it('tells nothing of a page that did not come whole, and passes its turn on', async (t) => {
  const closing = new AbortController();
  t.after(() => closing.abort());
  const { signal } = closing;
  const paging = new Paging({ atOnce: 1, bytes: 1 });
  for (const lost of [3, 4]) {
    const stream = new Stream();
    stream.lost = lost;
    const follower = follow(stream, paging, 'a', { signal });
    await assert.rejects(follower.ended, /a page has a gap/);
    assert.deepEqual(follower.told, [1, 2], `without ${lost}`);
  }
  const cut = new Stream();
  const follower = follow(cut, paging, 'b', { signal });
  cut.closed.resolve();
  await assert.rejects(follower.ended, /the connection closed/);
  const last = follow(new Stream(), paging, 'c', { signal });
  await until(() => last.caughtUpAt === 7);
});
