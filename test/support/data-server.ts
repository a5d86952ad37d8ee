import assert from 'node:assert/strict';
import { systemClock } from '../../src/base/clock.ts';
import { apiDocument } from '../../src/data/server/openapi.ts';
import { route } from '../../src/data/server/operations.ts';
import type { Grant } from '../../src/data/server/rights.ts';
import {
  createDataServer,
  type DataServer,
  type DataServerLimits,
  type DataServerSettings,
} from '../../src/data/server/server.ts';
import { schemaFaults } from './json-schema.ts';
import { MemoryDataBucket } from './memory-bucket.ts';

type Node = Readonly<Record<string, unknown>>;

export const tokens = {
  writer: 'token-of-the-writer',
  reader: 'token-of-the-reader',
  stranger: 'token-of-a-stranger',
} as const;

export const grants: Readonly<Record<string, Grant>> = {
  writer: { token: tokens.writer, rights: { ledger: 'write', history: 'write', far: 'write' } },
  reader: { token: tokens.reader, rights: { ledger: 'read' } },
  stranger: { token: tokens.stranger, rights: {} },
};

/** A data API with three buckets, one of which must not come here. */
export interface DataWorld {
  readonly server: DataServer;
  readonly url: string;
  readonly ledger: MemoryDataBucket;
  readonly history: MemoryDataBucket;
  readonly settings: DataServerSettings;
  /** Errors of the node's own. */
  readonly failures: unknown[];
  close(): Promise<void>;
}

export async function startDataServer(
  limits: Partial<DataServerLimits> = {},
  networks: readonly string[] = ['127.0.0.0/8'],
): Promise<DataWorld> {
  const ledger = new MemoryDataBucket('ledger');
  const history = new MemoryDataBucket('history', { consistency: 'async' });
  const shared = { maximumValueBytes: 1_024, regions: ['eu'] };
  const settings: DataServerSettings = {
    networks,
    grants,
    buckets: new Map([
      ['ledger', { ...shared, consistency: 'sync', bucket: ledger }],
      ['history', { ...shared, consistency: 'async', bucket: history }],
      ['far', { ...shared, consistency: 'async', regions: ['ap', 'us'], bucket: undefined }],
      ['secret', { ...shared, consistency: 'sync', bucket: new MemoryDataBucket('secret') }],
    ]),
  };
  const failures: unknown[] = [];
  const server = await createDataServer({
    ...{ host: '127.0.0.1', port: 0, region: 'eu', settings, clock: systemClock },
    limits: { closeTimeMs: 500, ...limits },
    onFailure: (error) => failures.push(error),
  });
  const url = `http://127.0.0.1:${server.port}`;
  return { server, url, ledger, history, settings, failures, close: () => server.close() };
}

export interface Asked {
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  readonly json: unknown;
  /** Of a problem. */
  readonly code: string | undefined;
}

/** Asks, and holds the answer to the document of the API. */
export async function ask(
  { url }: Pick<DataWorld, 'url'>,
  method: string,
  target: string,
  { token = tokens.writer, headers = {}, body }: Asked = {},
): Promise<Answered> {
  const response = await fetch(url + target, {
    method,
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers },
    ...(body !== undefined && { body }),
  });
  const octets = Buffer.from(await response.arrayBuffer());
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  const json: unknown = isJson && octets.length > 0 ? JSON.parse(octets.toString()) : undefined;
  const { status, headers: answered } = response;
  assertDocumented(method, target, { status, headers: answered, json });
  const code =
    answered.get('content-type') === 'application/problem+json' ? codeIn(json) : undefined;
  return { status, headers: answered, body: octets, json, code };
}

function codeIn(json: unknown): string | undefined {
  return (json as { readonly code?: string } | undefined)?.code;
}

const document = apiDocument();

function assertDocumented(
  method: string,
  target: string,
  answer: { status: number; headers: Headers; json: unknown },
): void {
  const routed = route(method, target.split('?')[0]!);
  if (!('operation' in routed)) return;
  const { operation } = routed;
  const where = `${operation.id} ${answer.status}`;
  const item = (document.paths as Record<string, Record<string, Node>>)[operation.path]!;
  const responses = item[operation.method.toLowerCase()]!.responses as Record<string, Node>;
  const rule = responses[answer.status];
  assert.ok(rule, `${where} is not documented`);
  for (const name of Object.keys((rule.headers as object | undefined) ?? {})) {
    assert.ok(answer.headers.has(name), `${where} has no ${name}`);
  }
  const content = (rule.content ?? {}) as Record<string, { schema?: Node }>;
  const type = answer.headers.get('content-type');
  assert.equal(type === null, Object.keys(content).length === 0, `${where}: body`);
  const media = content[type ?? ''];
  assert.ok(media || type === null, `${where}: ${type} is not documented`);
  const schema = media?.schema;
  if (schema && answer.json !== undefined) {
    assert.deepEqual(schemaFaults(answer.json, schema, document), [], where);
  }
}
