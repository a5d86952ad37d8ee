import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { createApi } from '../http/api.ts';
import { type HttpServer, listen } from '../http/server.ts';
import type { Service, ServiceContext } from '../service.ts';
import type { ManualFeed } from './manual-feed.ts';

export interface JsonAnswer {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** A service on a free port of 127.0.0.1, in region `test-1`. */
export class RunningService {
  readonly service: Service;
  readonly server: HttpServer;

  private constructor(service: Service, server: HttpServer) {
    this.service = service;
    this.server = server;
  }

  static async start(
    create: (context: ServiceContext) => Service,
    feed: ManualFeed,
  ): Promise<RunningService> {
    const region = 'test-1';
    const service = create({ service: 'under-test', region, feed });
    return new RunningService(
      service,
      await listen('127.0.0.1', 0, createApi(region, service.resources)),
    );
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.server.port}${path}`;
  }

  async json(path: string, init: RequestInit = {}): Promise<JsonAnswer> {
    const answer = await fetch(this.url(path), init);
    return {
      status: answer.status,
      type: answer.headers.get('content-type'),
      headers: answer.headers,
      body: (await answer.json()) as Record<string, unknown>,
    };
  }

  /** Asserts an error answer in full form and gives its body. */
  async problem(status: number, code: string, path: string, init: RequestInit = {}) {
    const answer = await this.json(path, init);
    const { body } = answer;
    assert.equal(answer.type, 'application/problem+json', path);
    assert.deepEqual([answer.status, body.status, body.code], [status, status, code], path);
    assert.equal(body.type, `urn:exchange:problem:${code}`);
    assert.equal(body.region, 'test-1');
    assert.ok(body.title && body.detail);
    return { ...answer, body };
  }

  async close(): Promise<void> {
    this.service.close();
    await this.server.close();
  }
}

/** Polls until `condition` holds; throws with `what` after a minute. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within a minute: ${what}`);
    await delay(5);
  }
}
