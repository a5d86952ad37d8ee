import type {
  Condition,
  DataEvent,
  Entry,
  LostWrite,
  Read,
  ReadOptions,
  WriteOptions,
} from '../bucket.ts';
import { mostKeysOfBatch } from '../server/operations.ts';
import { DataClientError } from './client-error.ts';
import {
  type Answered,
  ageOf,
  type CallOptions,
  type ExchangeSettings,
  exchange,
} from './exchange.ts';
import { type WatchCallOptions, watchEvents } from './watch.ts';

export interface DataClientOptions {
  /** Of the node: `http://10.0.0.1:9100`. Default: `MERIDIAN_DATA_URL`. */
  readonly url?: string;
  /** Of the service. Default: `MERIDIAN_DATA_TOKEN`. */
  readonly token?: string;
  /** Of a call with its retries, watches not. Default: 5 s. */
  readonly timeoutMs?: number;
  /** Times that a call is sent again, at most. Default: 3. */
  readonly retries?: number;
}

export type ReadCallOptions = ReadOptions & CallOptions;
export type WriteCallOptions = WriteOptions & CallOptions;

export interface ListCallOptions extends CallOptions {
  readonly prefix?: string | undefined;
  /** Keys asked for at once, 1 to 1,000. Default: 100. */
  readonly pageSize?: number | undefined;
}

export type LostCallOptions = Omit<ListCallOptions, 'prefix'>;

/**
 * A bucket over the data API. Each call ends with a value, a `DataClientError` with the code
 * of the API and, of a write, its outcome, or the reason of its signal.
 *
 * Reads are repeated while there is time. A write is repeated only where nothing was stored;
 * after `unknown` it is for the caller: read the key with `strong` and compare, or repeat a
 * write with a condition, which fails with `precondition_failed` if the first one was done.
 */
export interface BucketClient {
  readonly name: string;
  get(key: string, options?: ReadCallOptions): Promise<Read>;
  /** In the order asked for; any number of keys. */
  getAll(keys: readonly string[], options?: ReadCallOptions): Promise<readonly Read[]>;
  /** @returns the version written */
  put(
    key: string,
    value: Uint8Array | string,
    condition?: Condition,
    options?: WriteCallOptions,
  ): Promise<string>;
  delete(key: string, condition?: Condition, options?: WriteCallOptions): Promise<void>;
  /** Entries in order of their keys, page by page. */
  list(options?: ListCallOptions): AsyncGenerator<Entry, void>;
  /** What the own region wrote and lost to writes that had not seen it, page by page. */
  lostWrites(options?: LostCallOptions): AsyncGenerator<LostWrite, void>;
  /** What is there, then every change; it connects again by itself. */
  watch(options?: WatchCallOptions): AsyncGenerator<DataEvent, never>;
}

export interface DataClient {
  bucket(name: string): BucketClient;
}

/**
 * A client of the data API of the own region. Holds no connection of its own but those of watches.
 *
 * @throws TypeError where neither options nor environment give a URL and a token
 */
export function createDataClient({
  url = process.env.MERIDIAN_DATA_URL,
  token = process.env.MERIDIAN_DATA_TOKEN,
  timeoutMs = 5_000,
  retries = 3,
}: DataClientOptions = {}): DataClient {
  if (!url || !URL.canParse(url)) throw new TypeError('expected `url` or MERIDIAN_DATA_URL');
  if (!token) throw new TypeError('expected `token` or MERIDIAN_DATA_TOKEN');
  const settings = { url: url.replace(/\/+$/, ''), token, timeoutMs, retries };
  return { bucket: (name) => new HttpBucket(name, settings) };
}

class HttpBucket implements BucketClient {
  readonly name: string;
  readonly #settings: ExchangeSettings;
  readonly #path: string;

  constructor(name: string, settings: ExchangeSettings) {
    this.name = name;
    this.#settings = settings;
    this.#path = `/v1/buckets/${encodeURIComponent(name)}`;
  }

  async get(key: string, { consistency, ...options }: ReadCallOptions = {}): Promise<Read> {
    const asked = { method: 'GET', path: this.#key(key, consistency), writes: false } as const;
    try {
      const { headers, body: value } = await exchange(this.#settings, asked, options);
      return { entry: { key, value, version: versionIn(headers) }, staleForMs: ageOf(headers) };
    } catch (error) {
      if (!(error instanceof DataClientError) || error.code !== 'no_value') throw error;
      return { entry: undefined, staleForMs: error.staleForMs };
    }
  }

  async getAll(keys: readonly string[], options: ReadCallOptions = {}): Promise<readonly Read[]> {
    const reads: Read[] = [];
    for (let from = 0; from < keys.length; from += mostKeysOfBatch) {
      reads.push(...(await this.#batch(keys.slice(from, from + mostKeysOfBatch), options)));
    }
    return reads;
  }

  async put(
    key: string,
    value: Uint8Array | string,
    condition?: Condition,
    { consistency, ...options }: WriteCallOptions = {},
  ): Promise<string> {
    const headers = { 'content-type': 'application/octet-stream', ...conditionFields(condition) };
    const path = this.#key(key, consistency);
    const asked = { method: 'PUT', path, body: value, headers, writes: true } as const;
    return versionIn((await exchange(this.#settings, asked, options)).headers);
  }

  async delete(
    key: string,
    condition?: Condition,
    { consistency, ...options }: WriteCallOptions = {},
  ): Promise<void> {
    const headers = conditionFields(condition);
    const path = this.#key(key, consistency);
    const asked = { method: 'DELETE', path, headers, writes: true } as const;
    await exchange(this.#settings, asked, options);
  }

  async *list({ prefix = '', ...options }: ListCallOptions = {}): AsyncGenerator<Entry, void> {
    const told = this.#pages<Told>('keys', { prefix, values: 'true' }, options);
    for await (const { key, version, value = '' } of told) {
      yield { key, version: version ?? '', value: octets(value) };
    }
  }

  async *lostWrites(options: LostCallOptions = {}): AsyncGenerator<LostWrite, void> {
    for await (const told of this.#pages<ToldLost>('lost', {}, options)) {
      const { value = '', deleted = false } = told;
      yield { ...told, value: octets(value), deleted };
    }
  }

  watch(options: WatchCallOptions = {}): AsyncGenerator<DataEvent, never> {
    return watchEvents(this.#settings, `${this.#path}/watch`, options);
  }

  async *#pages<T>(
    what: 'keys' | 'lost',
    asking: Readonly<Record<string, string>>,
    { pageSize = 100, ...options }: LostCallOptions,
  ): AsyncGenerator<T, void> {
    let cursor: string | null = '';
    while (cursor !== null) {
      const query = new URLSearchParams({ ...asking, limit: String(pageSize) });
      if (cursor !== '') query.set('cursor', cursor);
      const path = `${this.#path}/${what}?${query}`;
      const asked = { method: 'GET', path, writes: false } as const;
      const page: Page<T> = jsonIn(await exchange(this.#settings, asked, options));
      yield* page.entries;
      ({ cursor } = page);
    }
  }

  async #batch(
    keys: readonly string[],
    { consistency, ...options }: ReadCallOptions,
  ): Promise<readonly Read[]> {
    const answer = await exchange(
      this.#settings,
      {
        method: 'POST',
        path: `${this.#path}/read`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ keys, ...(consistency && { consistency }) }),
        writes: false,
      },
      options,
    );
    const staleForMs = ageOf(answer.headers);
    const { entries }: Batch = jsonIn(answer);
    return Promise.all(
      keys.map(async (key, index): Promise<Read> => {
        const { version = null, value = '', omitted } = entries[index] ?? {};
        if (omitted) return this.get(key, { consistency, ...options });
        const entry = version === null ? undefined : { key, version, value: octets(value) };
        return { entry, staleForMs };
      }),
    );
  }

  #key(key: string, consistency: 'local' | 'strong' | undefined): string {
    const query = consistency === undefined ? '' : `?consistency=${consistency}`;
    return `${this.#path}/keys/${key.split('/').map(encodeURIComponent).join('/')}${query}`;
  }
}

interface Told {
  readonly key: string;
  readonly version?: string | null;
  readonly value?: string;
  readonly omitted?: true;
}

interface ToldLost extends Omit<LostWrite, 'value' | 'deleted'> {
  readonly value?: string;
  readonly deleted?: true;
}

interface Page<T> {
  readonly entries: readonly T[];
  readonly cursor: string | null;
}

interface Batch {
  readonly entries: readonly Partial<Told>[];
}

function octets(base64: string): Uint8Array {
  return Buffer.from(base64, 'base64');
}

function versionIn(headers: Headers): string {
  return /^"(.*)"$/.exec(headers.get('etag') ?? '')?.[1] ?? unexpected('it has no version');
}

function conditionFields(condition: Condition | undefined): Record<string, string> {
  if (!condition) return {};
  if (condition.type === 'absent') return { 'if-none-match': '*' };
  if (condition.type === 'exists') return { 'if-match': '*' };
  // Of no versions none holds: a weak tag never does.
  const tags = condition.versions.map((version) => `"${version}"`);
  return { 'if-match': tags.join(', ') || 'W/""' };
}

function jsonIn<Shape extends { readonly entries: readonly unknown[] }>({ body }: Answered): Shape {
  try {
    const value = JSON.parse(new TextDecoder().decode(body)) as Shape;
    if (Array.isArray(value.entries)) return value;
  } catch {
    // told below
  }
  return unexpected('it is no JSON of the data API');
}

function unexpected(why: string): never {
  throw new DataClientError('unexpected_answer', `an answer cannot be read: ${why}`, {
    retryable: false,
    outcome: 'unknown',
  });
}
