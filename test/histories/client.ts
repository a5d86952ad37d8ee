import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, MeridianError } from '../../src/base/errors.ts';
import type { Condition, DataBucket, Entry } from '../../src/data/bucket.ts';
import { between, pick } from '../simulation/seeded-random.ts';
import type { Answer, Observation } from './observation.ts';

/** One call after the other on a few keys, and creations of keys of its own that nobody deletes. */
export class Client {
  readonly observations: Observation[] = [];
  readonly #name: string;
  readonly #bucket: DataBucket;
  readonly #keys: readonly string[];
  readonly #random: () => number;
  readonly #created: string[] = [];
  /** Last seen, by key: what a `replace` is to replace. */
  readonly #seen = new Map<string, Entry>();
  #count = 0;
  #stopped = false;

  constructor(name: string, bucket: DataBucket, keys: readonly string[], random: () => number) {
    this.#name = name;
    this.#bucket = bucket;
    this.#keys = keys;
    this.#random = random;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      await this.#step();
      await delay(between(this.#random, 0, 40));
    }
  }

  /** All that can be known now, by strong reads. */
  async readAll(): Promise<void> {
    for (const key of [...this.#keys, ...this.#created]) await this.#read(key, 'strong');
  }

  async #step(): Promise<void> {
    const key = pick(this.#random, this.#keys);
    const what = this.#random();
    if (what < 0.3) return await this.#read(key, 'strong');
    if (what < 0.45) return await this.#read(key, 'local');
    if (what < 0.65) return await this.#write('put', key);
    if (what < 0.8) return await this.#replace(key);
    if (what < 0.85) return await this.#write('create', key, { type: 'absent' });
    if (what < 0.9) return await this.#delete(key);
    const own = `own.${this.#name}.${this.#count}`;
    this.#created.push(own);
    await this.#write('create', own, { type: 'absent' });
    if (this.#random() < 0.3) await this.#read(own, 'local');
  }

  async #read(key: string, action: 'strong' | 'local'): Promise<void> {
    await this.#observe({ key, action }, async () => {
      const { entry, staleForMs } = await this.#bucket.get(key, { consistency: action });
      if (entry) this.#seen.set(key, entry);
      else this.#seen.delete(key);
      const value = entry && Buffer.from(entry.value).toString();
      return { type: 'found', value, version: entry?.version, staleForMs };
    });
  }

  async #replace(key: string): Promise<void> {
    if (!this.#seen.has(key) || this.#random() < 0.5) await this.#read(key, 'strong');
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
    const value = `${this.#name}-${this.#count}`;
    await this.#observe({ key, action, value, expected }, async () => {
      const version = await this.#bucket.put(key, Buffer.from(value), condition);
      this.#seen.set(key, { key, value: Buffer.from(value), version });
      return { type: 'done', version };
    });
  }

  async #delete(key: string): Promise<void> {
    await this.#observe({ key, action: 'delete' }, async () => {
      await this.#bucket.delete(key);
      return { type: 'done', version: undefined };
    });
  }

  async #observe(
    what: Pick<Observation, 'key' | 'action'> & Partial<Pick<Observation, 'value' | 'expected'>>,
    call: () => Promise<Answer>,
  ): Promise<void> {
    this.#count++;
    const calledAtMs = nowMs();
    const answer = await call().catch(answerOf);
    const answeredAtMs = nowMs();
    const { value, expected } = what;
    this.observations.push({
      ...what,
      value,
      expected,
      client: this.#name,
      calledAtMs,
      answeredAtMs,
      answer,
    });
  }
}

function answerOf(error: unknown): Answer {
  if (!(error instanceof MeridianError)) throw error;
  const code = codeOf(error) ?? '';
  if (error.details.outcome === 'unknown') return { type: 'unknown', code };
  return code === 'precondition_failed' ? { type: 'refused' } : { type: 'none', code };
}

/** Of the machine, and so the same for all processes. */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
