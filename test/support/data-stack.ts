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
import { fairTimer } from './fair-time.ts';
import { type RegionName, regionNames, TestStack, until } from './stack.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export const dataTokens = {
  writer: `writer-${randomBytes(24).toString('hex')}`,
  reader: `reader-${randomBytes(24).toString('hex')}`,
} as const;

export const authorization = `Bearer ${dataTokens.writer}`;

export type BucketSettings = Readonly<Record<string, string | readonly string[]>>;

/** For buckets to be formed, or to come back. */
export const formedMs = 120_000;
/** Reads, and writes of which nothing was stored, are sent again for so long: a machine may stand still. */
const patient: DataClientOptions = { timeoutMs: 60_000, retries: 100 };

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
    await this.stack.run('apply', this.#config, '--timeout', '2m');
  }

  url(of: RegionName): string {
    return `http://${this.stack.address(of)}:9100`;
  }

  bucket(of: RegionName, name: string, options: DataClientOptions = {}): BucketClient {
    const all = { url: this.url(of), token: dataTokens.writer, ...patient, ...options };
    return createDataClient(all).bucket(name);
  }

  everywhere(name: string): Readonly<Record<string, BucketClient>> {
    return Object.fromEntries(regionNames.map((region) => [region, this.bucket(region, name)]));
  }

  /** Until every bucket takes writes in every region that has it. */
  async formed(): Promise<void> {
    const forms = async (name: string, region: RegionName) => {
      const bucket = this.bucket(region, name, { timeoutMs: 5_000 });
      const put = () => bucket.put(`formed.${region}`, region);
      await until(`${name} in ${region}`, () => succeeds(put()), formedMs);
    };
    const forming = Object.entries(this.buckets).flatMap(([name, { residency = regionNames }]) =>
      (residency as readonly RegionName[]).map((region) => forms(name, region)),
    );
    await Promise.all(forming);
  }

  /** What the list of buckets says of one. */
  async status(of: RegionName, name: string): Promise<{ readonly lost: number }> {
    const { buckets } = (await (await this.answer(of, 'GET', '')).json()) as {
      buckets: { readonly name: string; readonly lost: number }[];
    };
    return buckets.find((bucket) => bucket.name === name)!;
  }

  /** As `ask`, again where the store did not answer in time. */
  async answer(...asked: Parameters<DataStack['ask']>): Promise<Response> {
    const passedMs = fairTimer();
    for (;;) {
      const response = await this.ask(...asked);
      if (response.status !== 503 || passedMs() > 15_000) return response;
      await response.body?.cancel();
    }
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
