import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BucketClient,
  createDataClient,
  type DataClientError,
  type DataClientOptions,
} from '../../src/data/client/public.ts';
import { type RegionName, regionNames, TestStack, until } from './stack.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export const dataTokens = {
  writer: `writer-${randomBytes(24).toString('hex')}`,
  reader: `reader-${randomBytes(24).toString('hex')}`,
} as const;

export const authorization = `Bearer ${dataTokens.writer}`;

export type BucketSettings = Readonly<Record<string, string | readonly string[]>>;

const formedMs = 60_000;

const region = (octet: number) => ({
  address: `127.0.${octet}.1`,
  location: { latitude: 0, longitude: octet },
});

/** Three regions with nothing but buckets, on real servers, and two tokens for all buckets. */
export class DataStack {
  readonly stack: TestStack;
  readonly buckets: Record<string, BucketSettings>;
  readonly #config: string;

  private constructor(stack: TestStack, config: string, buckets: Record<string, BucketSettings>) {
    this.stack = stack;
    this.#config = config;
    this.buckets = buckets;
  }

  static async start(buckets: Record<string, BucketSettings>): Promise<DataStack> {
    const folder = await temporaryDirectory('data');
    for (const [name, token] of Object.entries(dataTokens)) {
      await writeFile(join(folder, `${name}.token`), token, { mode: 0o600 });
    }
    const config = join(folder, 'meridian.json');
    await writeFile(config, document(buckets));
    return new DataStack(await TestStack.start(config), config, { ...buckets });
  }

  /** Applies the buckets as they stand in `buckets` now. */
  async apply(): Promise<void> {
    await writeFile(this.#config, document(this.buckets));
    await this.stack.run('apply', this.#config);
  }

  url(of: RegionName): string {
    return `http://${this.stack.address(of)}:9100`;
  }

  bucket(of: RegionName, name: string, options: DataClientOptions = {}): BucketClient {
    return createDataClient({ url: this.url(of), token: dataTokens.writer, ...options }).bucket(
      name,
    );
  }

  everywhere(name: string): Readonly<Record<string, BucketClient>> {
    return Object.fromEntries(regionNames.map((region) => [region, this.bucket(region, name)]));
  }

  /** Until every bucket takes writes in every region that has it. */
  async formed(): Promise<void> {
    for (const [name, { residency = regionNames }] of Object.entries(this.buckets)) {
      for (const region of residency as RegionName[]) {
        const put = () => this.bucket(region, name).put(`formed.${region}`, region);
        await until(`${name} in ${region}`, () => succeeds(put()), formedMs);
      }
    }
  }

  /** What the list of buckets says of one. */
  async status(of: RegionName, name: string): Promise<{ readonly lost: number }> {
    const { buckets } = (await (await this.ask(of, 'GET', '')).json()) as {
      buckets: { readonly name: string; readonly lost: number }[];
    };
    return buckets.find((bucket) => bucket.name === name)!;
  }

  /** A request as it is, with the token of the writer unless another one is given. */
  ask(of: RegionName, method: string, path: string, more: RequestInit = {}): Promise<Response> {
    const { headers, ...rest } = more;
    const signal = AbortSignal.timeout(30_000);
    return fetch(`${this.url(of)}/v1/buckets${path}`, {
      ...{ method, signal, headers: { authorization, ...headers } },
      ...rest,
    });
  }
}

/** Holds for an error of that code, after which nothing was stored. */
export const failure = (code: string) => (error: DataClientError) => {
  assert.deepEqual([error.code, error.outcome], [code, 'none'], error.message);
  return true;
};

export function succeeds(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}

function document(buckets: Readonly<Record<string, BucketSettings>>): string {
  const names = Object.keys(buckets);
  const rights = (right: 'read' | 'write') =>
    Object.fromEntries(names.map((name) => [name, right]));
  return JSON.stringify({
    regions: { 'us-east-1': region(1), 'eu-west-1': region(2), 'ap-southeast-1': region(3) },
    store: { engine: 'jetstream' },
    data: {
      buckets,
      tokens: {
        writer: { token: 'writer.token', rights: rights('write') },
        reader: { token: 'reader.token', rights: rights('read') },
      },
    },
    stack: {},
  });
}
