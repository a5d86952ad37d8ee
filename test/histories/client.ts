import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, MeridianError } from '../../src/base/errors.ts';
import type { Condition, DataBucket, Entry } from '../../src/data/bucket.ts';
import { between, pick } from '../simulation/seeded-random.ts';
import type { Journal } from './journal.ts';
import type { Answer, Call, Observation } from './observation.ts';

export type UsedBucket = Pick<DataBucket, 'get' | 'getAll' | 'put' | 'delete' | 'list'>;

export interface ClientOptions {
  readonly name: string;
  readonly bucket: UsedBucket;
  /** Of all clients. */
  readonly keys: readonly string[];
  /** What they begin with. */
  readonly prefix: string;
  readonly journal: Journal;
  /** Or reads only, without waiting for writes that nobody confirms. */
  readonly writes: boolean;
  readonly random: () => number;
}

/** Of the steps of a client. */
const readsBelow = 0.49;

type How = Pick<Observation, 'action' | 'by'>;

/** One call after the other on a few keys, and creations of keys of its own that nobody deletes. */
export class Client {
  readonly #options: ClientOptions;
  /** Last seen, by key: what a `replace` is to replace. */
  readonly #seen = new Map<string, Entry>();
  #count = 0;
  #stopped = false;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      await this.#step();
      await delay(between(this.#options.random, 0, 40));
    }
  }

  async #step(): Promise<void> {
    const { random, keys, name, writes } = this.#options;
    const key = pick(random, keys);
    const what = between(random, 0, writes ? 1 : readsBelow);
    if (what < 0.25) return await this.#read([key], 'strong');
    if (what < 0.4) return await this.#read([key], 'local');
    if (what < 0.43) return await this.#read(keys, 'strong');
    if (what < 0.46) return await this.#read(keys, 'local');
    if (what < readsBelow) return await this.#list();
    if (what < 0.67) return await this.#write('put', key);
    if (what < 0.81) return await this.#replace(key);
    if (what < 0.86) return await this.#write('create', key, { type: 'absent' });
    if (what < 0.91) return await this.#delete(key);
    const own = `own.${name}.${this.#count}`;
    await this.#write('create', own, { type: 'absent' });
    if (random() < 0.3) await this.#read([own], 'local');
  }

  /** One by itself, several in a batch. */
  async #read(keys: readonly string[], action: 'strong' | 'local'): Promise<void> {
    const { bucket } = this.#options;
    const how: How = { action, by: keys.length === 1 ? 'get' : 'batch' };
    await this.#observe(keys, how, async () => {
      const options = { consistency: action };
      const reads =
        keys.length === 1
          ? [await bucket.get(keys[0]!, options)]
          : await bucket.getAll(keys, options);
      return reads.map(({ entry, staleForMs }) => found(entry, staleForMs));
    });
  }

  async #list(): Promise<void> {
    const { bucket, keys, prefix } = this.#options;
    await this.#observe(keys, { action: 'local', by: 'list' }, async () => {
      const { entries, staleForMs } = await bucket.list({ prefix, limit: 1_000 });
      const byKey = new Map(entries.map((entry) => [entry.key, entry]));
      return keys.map((key) => found(byKey.get(key), staleForMs));
    });
  }

  async #observe(
    keys: readonly string[],
    how: How,
    ask: () => Promise<readonly Found[]>,
  ): Promise<void> {
    this.#count++;
    const calledAtMs = nowMs();
    const answers = await ask().catch(answerOf);
    const answeredAtMs = nowMs();
    for (const [i, key] of keys.entries()) {
      const answer = 'type' in answers ? answers : answers[i]!;
      if ('entry' in answer) this.#saw(key, answer.entry);
      const told: Answer = 'entry' in answer ? answer.answer : answer;
      const read = { key, client: this.#options.name, value: undefined, expected: undefined };
      const times = { calledAtMs, answeredAtMs };
      this.#options.journal.observed({ ...read, ...how, ...times, answer: told });
    }
  }

  #saw(key: string, entry: Entry | undefined): void {
    if (entry) this.#seen.set(key, entry);
    else this.#seen.delete(key);
  }

  async #replace(key: string): Promise<void> {
    if (!this.#seen.has(key) || this.#options.random() < 0.5) await this.#read([key], 'strong');
    const seen = this.#seen.get(key);
    if (!seen) return;
    const condition = { type: 'version', versions: [seen.version] } as const;
    await this.#write('replace', key, condition, Buffer.from(seen.value).toString());
  }

  async #write(
    action: 'put' | 'create' | 'replace',
    key: string,
    condition?: Condition,
    expected?: string,
  ): Promise<void> {
    const value = `${this.#options.name}-${this.#count}`;
    await this.#change({ key, action, value, expected }, async () => {
      const octets = Buffer.from(value);
      const version = await this.#options.bucket.put(key, octets, condition);
      this.#saw(key, { key, value: octets, version });
      return { type: 'done', version };
    });
  }

  async #delete(key: string): Promise<void> {
    await this.#change(
      { key, action: 'delete', value: undefined, expected: undefined },
      async () => {
        await this.#options.bucket.delete(key);
        return { type: 'done', version: undefined };
      },
    );
  }

  async #change(
    what: Omit<Call, 'client' | 'calledAtMs'>,
    call: () => Promise<Answer>,
  ): Promise<void> {
    this.#count++;
    const { journal, name } = this.#options;
    const answered = journal.called({ ...what, client: name, calledAtMs: nowMs() });
    const answer = await call().catch(answerOf);
    answered(nowMs(), answer);
  }
}

interface Found {
  readonly entry: Entry | undefined;
  readonly answer: Answer;
}

export function found(entry: Entry | undefined, staleForMs: number): Found {
  const value = entry && Buffer.from(entry.value).toString();
  return { entry, answer: { type: 'found', value, version: entry?.version, staleForMs } };
}

function answerOf(error: unknown): Answer {
  if (!(error instanceof MeridianError)) throw error;
  const code = codeOf(error) ?? '';
  if (error.details.outcome === 'unknown') return { type: 'unknown', code };
  return code === 'precondition_failed' ? { type: 'refused' } : { type: 'none', code };
}

/** Of the machine, and so the same for all processes. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
