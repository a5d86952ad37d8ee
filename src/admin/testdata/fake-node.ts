import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { MeridianError } from '../../base/errors.ts';
import type { RequestQuestion } from '../../gateway/explain/question.ts';
import type { RevisionInfo } from '../../revisions/revision.ts';
import { SecretError } from '../../secrets/secret-error.ts';
import type { SecretInfo } from '../../secrets/secrets.ts';
import type {
  ApplyRequest,
  ExclusiveStatus,
  ExclusiveView,
  NodeStatus,
  NodeView,
  RevisionsView,
  RollbackRequest,
  SecretsView,
} from '../node-view.ts';
import { type AdminServerOptions, createAdminServer } from '../server.ts';
import { FakeShifts } from './fake-shifts.ts';

export const status: NodeStatus = {
  region: 'eu-west-1',
  node: 'eu-west-1-a',
  version: '0.1.0',
  reportedAt: '2026-01-02T03:04:08.000Z',
  ready: true,
  revision: {
    hash: 'abc',
    sequence: 1,
    loadedAt: '2026-01-02T03:04:05.000Z',
    ageSeconds: 3,
    source: 'file',
    staleForSeconds: undefined,
    appliedInSeconds: undefined,
    refused: undefined,
    pendingRestart: [],
  },
  degraded: [],
  store: {
    engine: 'memory',
    reachable: true,
    outOfReachForSeconds: 0,
    lastError: undefined,
    serverVersion: undefined,
    buckets: [],
  },
  regions: [],
  services: [],
  threads: [],
  traffic: { requests: 0, failed: 0, startedAt: '2026-01-02T03:04:05.000Z' },
};

export const revision: RevisionInfo = {
  sequence: 12,
  hash: 'ab'.repeat(32),
  serial: 1_767_323_045,
  appliedAt: '2026-01-02T03:04:05.000Z',
  author: 'ana@laptop',
  message: '',
  kind: 'apply',
  base: undefined,
  restores: undefined,
  seed: undefined,
  content: { nonce: 'n', parts: 1, bytes: 10, sha256: 'cd'.repeat(32) },
};

/** Answers what it is given, remembers what it was asked, and throws what it is told to. */
export class FakeRevisions implements RevisionsView {
  readonly calls: unknown[][] = [];
  fails: unknown;

  async current() {
    this.#called('current');
    const head = {
      version: 1,
      current: revision,
      previous: undefined,
      rollout: undefined,
    } as const;
    return { head, running: status.revision };
  }
  async document(sequence: number | undefined) {
    this.#called('document', sequence);
    return { info: undefined, document: { regions: {} }, serial: 7 };
  }
  async history(limit: number) {
    this.#called('history', limit);
    return [revision];
  }
  async apply(request: ApplyRequest) {
    this.#called('apply', request);
    return revision;
  }
  async rollback(request: RollbackRequest) {
    this.#called('rollback', request);
    return revision;
  }
  async progress(sequence: number) {
    this.#called('progress', sequence);
    return [];
  }
  async drift() {
    this.#called('drift');
    return [];
  }
  async bundle() {
    this.#called('bundle');
    return new Uint8Array([0, 255, 10]);
  }

  #called(...call: unknown[]): void {
    this.calls.push(call);
    if (this.fails) throw this.fails;
  }
}

export class FakeSecrets implements SecretsView {
  readonly values = new Map<string, string>();
  /** As it was handed over, to see what becomes of it. */
  lastBuffer: Buffer | undefined;

  async list() {
    return [...this.values].map(([name, value]) => infoOf(name, value));
  }
  async set(name: string, value: Buffer, expectedVersion?: number) {
    if (expectedVersion === 7) throw new SecretError('secret_conflict', `${name} was changed`);
    this.values.set(name, value.toString());
    this.lastBuffer = value;
    return infoOf(name, value.toString());
  }
  async delete(name: string) {
    if (!this.values.delete(name)) throw new SecretError('secret_unknown', `no secret ${name}`);
  }
  async rotate() {
    return { rewrapped: [...this.values.keys()], already: 0, failed: [] };
  }
}

function infoOf(name: string, { length: bytes }: string): SecretInfo {
  return { name, version: 1, updatedAt: undefined, outerKey: 'k', bytes, damaged: undefined };
}

const fakeExclusive: ExclusiveStatus = {
  name: 'ledger',
  activeRegion: 'eu-west-1',
  active: true,
  reason: 'holds the lease',
  token: 41,
  since: '2026-01-01T00:00:00.000Z',
  nodes: ['eu-west-1'],
  to: undefined,
  endsInSeconds: 3.5,
  changes: 2,
};

export class FakeNode implements NodeView {
  reasons: string[] = [];
  drained = 0;
  readonly asked = new FakeRevisions();
  readonly revisions: RevisionsView = this.asked;
  readonly kept = new FakeSecrets();
  readonly secrets: SecretsView = this.kept;
  readonly moved: string[] = [];
  readonly exclusive: ExclusiveView = {
    list: () => [fakeExclusive],
    handOver: async (name, to, force) => {
      if (name !== fakeExclusive.name) {
        throw new MeridianError('exclusive_unknown', `there is no exclusive set "${name}"`);
      }
      this.moved.push(`${name} ${to} ${force}`);
    },
  };
  readonly shifts = new FakeShifts();

  ready() {
    return { ready: this.reasons.length === 0, reasons: this.reasons };
  }
  status() {
    return status;
  }
  metrics() {
    return '# HELP x X.\n# TYPE x gauge\nx 1\n';
  }
  explainRequest(question: RequestQuestion) {
    const { url } = question;
    if (!url.startsWith('http')) throw new MeridianError('bad_url', `not a URL: ${url}`);
    return question;
  }
  async explainDns(name: string, type: string, client: string | undefined) {
    if (name === 'broken.test') throw new Error('internal: password=hunter2');
    return { name, type, client };
  }
  drain() {
    this.drained++;
  }
}

export interface Started {
  readonly node: FakeNode;
  readonly port: number;
  readonly failures: unknown[];
  ask(method: string, path: string, options?: AskOptions): Promise<Reply>;
}

export interface AskOptions {
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly address?: string;
}

export interface Reply {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly octets: Buffer;
  json(): Record<string, unknown>;
}

export async function start(
  t: { after(end: () => Promise<void>): void },
  options: Partial<AdminServerOptions> = {},
): Promise<Started> {
  const node = new FakeNode();
  const failures: unknown[] = [];
  const server = await createAdminServer({
    host: '127.0.0.1',
    port: 0,
    token: 'the-token',
    view: node,
    onFailure: (error) => failures.push(error),
    ...options,
  });
  t.after(() => server.close());
  const ask = (method: string, path: string, more?: AskOptions) =>
    askServer(server.port, method, path, more);
  return { node, port: server.port, failures, ask };
}

async function askServer(
  port: number,
  method: string,
  path: string,
  { headers = {}, body, address = '127.0.0.1' }: AskOptions = {},
): Promise<Reply> {
  const asked = request({ host: address, port, method, path, headers, agent: false });
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part);
  const octets = Buffer.concat(parts);
  const text = octets.toString();
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: text,
    octets,
    json: () => JSON.parse(text),
  };
}

/** Sends bytes and returns all that comes back until the server closes. */
export async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  let text = '';
  for await (const part of socket) text += part;
  return text;
}

export function assertProblem(reply: Reply, status: number, code: string): void {
  assert.equal(reply.status, status, reply.body);
  assert.equal(reply.headers['content-type'], 'application/problem+json');
  const { status: stated, code: actual, title } = reply.json();
  assert.deepEqual([stated, actual], [status, code]);
  assert.equal(typeof title, 'string');
}
