import type { Clock } from '../../base/clock.ts';
import { storeError } from '../errors.ts';
import type {
  LogAppend,
  LogFollow,
  LogMessage,
  LogSettings,
  LogState,
  RegionalLog,
} from '../regional-log.ts';

interface Follower {
  deliver(message: LogMessage): void;
  fail(error: unknown): void;
}

/**
 * A regional log in the memory of one process. Each call runs in one turn of the event loop,
 * and what is followed comes in a later one, as from a network.
 */
export class MemoryLog implements RegionalLog {
  readonly name: string;
  settings: LogSettings = { maximumBytes: 0, whenFull: 'refuse', maximumAgeMs: undefined };
  readonly #clock: Clock;
  readonly #epoch: string;
  readonly #peer: (region: string) => MemoryLog | undefined;
  /** By sequence, which is the order of insertion. */
  readonly #messages = new Map<string, LogMessage>();
  /** What differs in the first word only: how the last message of a key is found. */
  readonly #siblings = new Map<string, Set<string>>();
  readonly #followers = new Set<Follower>();
  #sequence = 0;
  #bytes = 0;
  #ended = false;

  /** @param peer the log of that name of another region, while that can be reached. */
  constructor(
    name: string,
    clock: Clock,
    peer: (region: string) => MemoryLog | undefined = () => undefined,
  ) {
    this.name = name;
    this.#clock = clock;
    this.#peer = peer;
    this.#epoch = new Date(clock.wallMs()).toISOString();
  }

  async last(pattern: string): Promise<LogMessage | undefined> {
    return this.#matching(pattern).at(-1);
  }

  async lastOfEach(pattern: string): Promise<readonly LogMessage[]> {
    return this.#matching(pattern);
  }

  async append({ subject, head, value, expected }: LogAppend): Promise<number> {
    this.#check();
    const newest = expected && this.#matching(expected.pattern).at(-1);
    if (expected && (newest?.sequence ?? 0) !== expected.sequence) {
      const text = `${this.name}/${subject} does not have the expected sequence any more`;
      throw storeError('revision_mismatch', text);
    }
    const message = {
      subject,
      head,
      value: Uint8Array.from(value),
      sequence: this.#sequence + 1,
      storedAtMs: this.#clock.wallMs(),
    };
    this.#makeRoom(message);
    this.#drop(subject);
    this.#sequence++;
    this.#bytes += bytesOf(message);
    this.#messages.set(subject, message);
    const siblings = this.#siblings.get(afterFirst(subject)) ?? new Set();
    this.#siblings.set(afterFirst(subject), siblings.add(subject));
    for (const follower of this.#followers) follower.deliver(message);
    return message.sequence;
  }

  async follow(options: LogFollow): Promise<void> {
    this.#check();
    const { region, pattern, after, signal } = options;
    const log = region === undefined ? this : this.#peer(region);
    if (!log) throw storeError('store_unreachable', `region ${region} is out of reach`);
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
    const matches = matcher(pattern);
    let underWay = 0;
    const follower = {
      deliver(message: LogMessage) {
        if (!matches(message.subject)) return;
        underWay++;
        queueMicrotask(() => {
          underWay--;
          if (signal.aborted || !log.#followers.has(follower)) return;
          const told = options.headsOnly ? { ...message, value: new Uint8Array(0) } : message;
          options.onMessage(told, underWay);
        });
      },
      fail: reject,
    };
    log.#followers.add(follower);
    const abort = () => resolve();
    signal.addEventListener('abort', abort);
    if (signal.aborted) resolve();
    for (const message of log.#matching(pattern)) {
      if (message.sequence > after) follower.deliver(message);
    }
    queueMicrotask(() => {
      if (!signal.aborted) options.onCaughtUp?.();
    });
    try {
      await ended;
    } finally {
      signal.removeEventListener('abort', abort);
      log.#followers.delete(follower);
    }
  }

  state(): LogState {
    return {
      epoch: this.#epoch,
      lastSequence: this.#sequence,
      messages: this.#messages.size,
      bytes: this.#bytes,
      askedAtMs: performance.now(),
      ready: !this.#ended,
      problem: undefined,
    };
  }

  /** `state` is never old. */
  async look(): Promise<void> {}

  /** A handle of the store's one log: nothing of its own to end. */
  async close(): Promise<void> {}

  /** Whoever follows is told that it was cut off. */
  interrupt(): void {
    for (const { fail } of this.#followers) fail(storeError('store_unreachable', 'cut off'));
    this.#followers.clear();
  }

  end(): void {
    this.#ended = true;
    for (const { fail } of this.#followers)
      fail(storeError('store_closed', 'the store was closed'));
    this.#followers.clear();
  }

  #check(): void {
    if (this.#ended) throw storeError('store_closed', 'the store was closed');
  }

  #matching(pattern: string): LogMessage[] {
    this.#check();
    this.#expire();
    const siblings = /^\*(\.[^*>]+)$/.exec(pattern)?.[1];
    const subjects =
      siblings === undefined
        ? [...this.#messages.keys()].filter(matcher(pattern))
        : [...(this.#siblings.get(siblings) ?? [])];
    return subjects.map((subject) => this.#messages.get(subject)!).sort(bySequence);
  }

  #makeRoom(message: LogMessage): void {
    const { maximumBytes, whenFull } = this.settings;
    const replaced = this.#messages.get(message.subject);
    const more = bytesOf(message) - (replaced ? bytesOf(replaced) : 0);
    if (this.#bytes + more <= maximumBytes) return;
    if (whenFull === 'refuse') {
      throw storeError('store_full', `${this.name}/${message.subject}: maximum bytes exceeded`);
    }
    for (const subject of this.#messages.keys()) {
      if (this.#bytes + more <= maximumBytes) return;
      this.#drop(subject);
    }
  }

  #expire(): void {
    const { maximumAgeMs } = this.settings;
    if (maximumAgeMs === undefined) return;
    const nowMs = this.#clock.wallMs();
    for (const [subject, { storedAtMs }] of this.#messages) {
      if (nowMs - storedAtMs < maximumAgeMs) return;
      this.#drop(subject);
    }
  }

  #drop(subject: string): void {
    const message = this.#messages.get(subject);
    if (!message) return;
    this.#messages.delete(subject);
    this.#bytes -= bytesOf(message);
    const siblings = this.#siblings.get(afterFirst(subject));
    siblings?.delete(subject);
    if (siblings?.size === 0) this.#siblings.delete(afterFirst(subject));
  }
}

function bytesOf({ subject, head, value }: LogMessage): number {
  return subject.length + head.length + value.byteLength;
}

function bySequence(a: LogMessage, b: LogMessage): number {
  return a.sequence - b.sequence;
}

function afterFirst(subject: string): string {
  const dot = subject.indexOf('.');
  return dot < 0 ? '' : subject.slice(dot);
}

function matcher(pattern: string): (subject: string) => boolean {
  const words = pattern.split('.');
  const tail = words.at(-1) === '>';
  return (subject) => {
    const parts = subject.split('.');
    if (tail ? parts.length < words.length : parts.length !== words.length) return false;
    return words.every((word, i) => word === '*' || word === parts[i] || (tail && word === '>'));
  };
}
