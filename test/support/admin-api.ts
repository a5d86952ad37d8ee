import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CurrentRevision, RevisionDocument } from '../../src/admin/node-view.ts';
import type { RevisionInfo } from '../../src/revisions/revision.ts';
import { type RegionName, type TestStack, until } from './stack.ts';

/** A kept connection may end as it is asked again. */
const connection = 'close';

/** A configuration as written, as far as tests change it. */
export interface Document {
  routes: object[];
  [section: string]: unknown;
}

export interface AdminAnswer {
  readonly status: number;
  readonly text: string;
  /** Of a problem: what went wrong. */
  readonly code: string | undefined;
  readonly detail: string | undefined;
}

/** The admin API of one node, as an operator with its token uses it. */
export class AdminApi {
  readonly #base: string;
  readonly #token: string;

  constructor(base: string, token: string) {
    this.#base = base;
    this.#token = token;
  }

  static async of(stack: TestStack, region: RegionName): Promise<AdminApi> {
    const token = (await readFile(join(stack.state, 'admin-token'), 'utf8')).trim();
    return new AdminApi(`http://${stack.address(region)}:9000`, token);
  }

  async get<T>(path: string): Promise<T> {
    const answer = await fetch(this.#base + path, {
      headers: { connection },
      signal: AbortSignal.timeout(15_000),
    });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** An object is sent as JSON. */
  async post(path: string, body?: object | Buffer, token = this.#token): Promise<AdminAnswer> {
    const isData = body !== undefined && !Buffer.isBuffer(body);
    const answer = await fetch(this.#base + path, {
      method: 'POST',
      headers: {
        connection,
        authorization: `Bearer ${token}`,
        'content-type': isData ? 'application/json' : 'application/octet-stream',
      },
      signal: AbortSignal.timeout(20_000),
      ...(body !== undefined && { body: isData ? JSON.stringify(body) : new Uint8Array(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, text, ...problemOf(text) };
  }

  /** The configuration that this node runs, to be changed and applied. */
  async document(): Promise<Document> {
    return (await this.get<RevisionDocument>('/config/document')).document as Document;
  }

  /** Asks to apply what `change` makes of the configuration that this node runs. */
  async tryApply(change: (document: Document) => void, message = 'test'): Promise<AdminAnswer> {
    const { document, info } = await this.get<RevisionDocument>('/config/document');
    change(document as Document);
    const base = info && { sequence: info.sequence, hash: info.hash };
    return this.post('/config/apply', { document, base, author: 'test', message });
  }

  /** The same; it must be accepted. */
  async apply(change: (document: Document) => void, message?: string): Promise<RevisionInfo> {
    const answer = await this.tryApply(change, message);
    if (answer.status === 200) return JSON.parse(answer.text).revision as RevisionInfo;
    throw new Error(`not applied: ${answer.text}`);
  }

  /**
   * Applies `routeOf(name)`: again where the store is just coming back, and not twice where it
   * took what it could not confirm.
   */
  async applyRoute(name: string, limitMs: number): Promise<void> {
    const route = routeOf(name);
    let refused = '';
    const isApplied = async () => {
      const { routes } = await this.document();
      if (routes.some((one) => 'name' in one && one.name === name)) return true;
      const answer = await this.tryApply((document) => document.routes.push(route));
      refused = answer.text;
      return answer.status === 200 || answer.code === 'revision_unchanged';
    };
    await until(`${name} is applied`, isApplied, limitMs).catch((error: Error) => {
      throw new Error(`${error.message}; ${refused}`);
    });
  }

  /** Resolves when this node serves the revision; gives the milliseconds that it took. */
  async untilServing(sequence: number, limitMs?: number): Promise<number> {
    const startedMs = performance.now();
    const serves = async () => {
      const current = await this.get<CurrentRevision>('/config').catch(() => undefined);
      return (current?.running.sequence ?? 0) >= sequence;
    };
    await until(`${this.#base} serves revision ${sequence}`, serves, limitMs);
    return performance.now() - startedMs;
  }
}

/** A route of a host of its own, so that one request says whether it is served. */
export function routeOf(name: string): object {
  return { name, hosts: [`${name}.exchange.test`], pattern: '/health', service: 'rates' };
}

function problemOf(text: string): Pick<AdminAnswer, 'code' | 'detail'> {
  const { code, detail } = JSON.parse(text) as { code?: string; detail?: string };
  return { code, detail };
}
