import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigInput } from '../../src/config/public.ts';
import type { Head, RevisionInfo } from '../../src/revisions/revision.ts';
import { type RegionName, regionNames, type TestStack, until } from './stack.ts';

export interface ApplyAnswer {
  readonly status: number;
  readonly body: {
    readonly revision?: RevisionInfo;
    readonly code?: string;
    readonly detail?: string;
  };
}

/** Revisions of a running stack by the admin API of its nodes. */
export class StackRevisions {
  readonly #stack: TestStack;

  constructor(stack: TestStack) {
    this.#stack = stack;
  }

  async head(at: RegionName = 'us-east-1'): Promise<Head> {
    const { head } = await this.#stack.admin<{ head: Head }>(at, '/config');
    return head;
  }

  /** What a node runs, as written. */
  async document(at: RegionName = 'us-east-1'): Promise<ConfigInput & { routes: object[] }> {
    const found = await this.#stack.admin<{ document: ConfigInput & { routes: object[] } }>(
      at,
      '/config/document',
    );
    return found.document;
  }

  post(path: string, body: object, at: RegionName = 'us-east-1'): Promise<ApplyAnswer> {
    return fetch(`http://${this.#stack.address(at)}:9000${path}`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${readFileSync(join(this.#stack.state, 'admin-token'), 'utf8').trim()}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    }).then(async (answer) => ({
      status: answer.status,
      body: (await answer.json()) as ApplyAnswer['body'],
    }));
  }

  /** Applies against the present head, or the base that is given. */
  async apply(
    document: object,
    { at, base, ...more }: { at?: RegionName; base?: object; [field: string]: unknown } = {},
  ): Promise<ApplyAnswer> {
    const { sequence, hash } = (await this.head(at)).current;
    const change = { document, base: base ?? { sequence, hash }, author: 'a test', message: '' };
    return this.post('/config/apply', { ...change, ...more }, at);
  }

  /** Applies, and waits until the nodes of these regions run it. Returns its sequence. */
  async applied(document: object, regions: readonly RegionName[] = regionNames): Promise<number> {
    const { status, body } = await this.apply(document);
    if (status !== 200 || !body.revision) throw new Error(`apply: ${JSON.stringify(body)}`);
    const { sequence } = body.revision;
    await this.runs(sequence, regions);
    return sequence;
  }

  /** Resolves when the nodes of these regions run the revision. */
  async runs(sequence: number, regions: readonly RegionName[] = regionNames): Promise<void> {
    await until(`revision ${sequence} runs in ${regions.join(', ')}`, async () => {
      const running = await Promise.all(regions.map((region) => this.#stack.status(region)));
      return running.every(({ revision }) => revision.sequence === sequence);
    });
  }
}
