import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { StoreView } from '../admin/node-view.ts';
import { MeridianError, messageOf } from '../base/errors.ts';
import type { FoundStack } from '../stack/control/client.ts';
import { exchange, type Target } from './admin-exchange.ts';
import { addJsonOption, addStateOption } from './options.ts';

export type AdminConnectionErrorCode =
  | 'admin_unreachable'
  | 'admin_address_invalid'
  | 'admin_token_unreadable'
  | 'admin_refused';

export interface AdminOptions {
  readonly state: string;
  /** Whether `--state` was said, so that it counts more than the environment. */
  readonly stateSaid?: boolean;
  readonly admin?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/** Where a command asks: `--state`, or `--admin` with `--token-file`; and `--json`. */
export function addAdminOptions(command: Command): Command {
  return addAskOptions(command).option(
    '--token-file <file>',
    'its token, for changes (MERIDIAN_ADMIN_TOKEN_FILE)',
  );
}

/** The same for a command that changes nothing. */
export function addAskOptions(command: Command): Command {
  addJsonOption(addStateOption(command)).option(
    '--admin <url>',
    'admin API of a node that is of no stack (MERIDIAN_ADMIN_URL)',
  );
  command.hook('preAction', (_, called) => {
    if (called.getOptionValueSource('state') !== 'cli') return;
    if (called.getOptionValueSource('admin') === 'cli') {
      called.error("error: option '--admin <url>' cannot be used with option '--state <dir>'");
    }
    called.setOptionValue('stateSaid', true);
  });
  return command;
}

/** The admin API of a node, or of those of a stack one after the other. */
export interface AdminConnection {
  /** For people. */
  readonly url: string;
  /** Whose node it is; `undefined`: it was named by its address. */
  readonly stack: FoundStack | undefined;
  /**
   * A resource as data. Of a stack another node is asked when one does not answer.
   *
   * @throws MeridianError with the code and the facts of the problem that was answered,
   *   `admin_unreachable` or `admin_refused`
   */
  get(path: string, limitMs?: number): Promise<unknown>;
  /** @throws as `get` */
  getOctets(path: string): Promise<Buffer>;
  /**
   * An object is sent as JSON. Never tried a second time.
   *
   * @throws as `get`, and `admin_token_unreadable`
   */
  post(path: string, body?: object | Buffer, contentType?: string): Promise<unknown>;
}

const readLimitMs = 10_000;
/** A change of the store ends within 3 s; a large configuration takes a while to validate. */
const changeLimitMs = 30_000;
const findLimitMs = 1_000;

/**
 * Finds whom to ask: `--admin`, a `--state` that was said, MERIDIAN_ADMIN_URL, the default
 * state directory, in this order.
 *
 * @throws MeridianError `stack_not_running`, `admin_unreachable`, `admin_address_invalid`
 */
export async function connectAdmin(options: AdminOptions): Promise<AdminConnection> {
  const { state, tokenFile } = options;
  const url = namedAdmin(options);
  const tokenPath = tokenFile ?? (process.env.MERIDIAN_ADMIN_TOKEN_FILE || undefined);
  if (url !== undefined) return new Connection([targetOf(url)], tokenPath, undefined);
  const { failNotSupervised, findStackOr } = await import('../stack/control/client.ts');
  const stack = findStackOr('a node with --admin', state);
  const ownToken = tokenFile ?? join(stack.layout.directory, 'admin-token');
  let targets = await answering(stack, findLimitMs);
  // On a busy machine all of them may be slow: they get the time that a look may take.
  if (targets.length === 0) targets = await answering(stack, readLimitMs);
  if (targets.length > 0) return new Connection(targets, ownToken, stack);
  if (!stack.supervised) failNotSupervised(stack);
  throw new MeridianError<AdminConnectionErrorCode>(
    'admin_unreachable',
    `no node of the stack on ${stack.layout.directory} answers; see \`meridian status\``,
  );
}

/** The address that was said, here or in the environment; `undefined`: a stack is to be asked. */
export function namedAdmin({ admin, stateSaid }: AdminOptions): string | undefined {
  if (admin !== undefined || stateSaid) return admin;
  return process.env.MERIDIAN_ADMIN_URL || undefined;
}

function targetOf(text: string): Target {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (url?.protocol === 'http:' && url.pathname === '/' && url.username === '') {
    return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) };
  }
  throw new MeridianError<AdminConnectionErrorCode>(
    'admin_address_invalid',
    `"${text}" is not the address of an admin API, such as http://127.0.0.1:9000`,
  );
}

/**
 * The nodes of a stack that answer, in the order of its regions: those first whose store
 * takes changes, then those that can at least read it.
 */
async function answering({ record }: FoundStack, limitMs: number): Promise<Target[]> {
  const targets = Object.values(record.regions).flatMap(({ address, admin, nodes }) =>
    (nodes.length > 0 ? nodes : [{ address, admin }]).map((node) => ({
      host: node.address,
      port: node.admin,
    })),
  );
  const asked = await Promise.all(
    targets.map(async (target) => ({ target, rank: await rankOf(target, limitMs) })),
  );
  const found = asked.filter(({ rank }) => rank >= 0);
  return found.sort((a, b) => b.rank - a.rank).map(({ target }) => target);
}

/** How well a node reaches the store, from 0 to 2; -1: it does not answer. */
async function rankOf(target: Target, limitMs: number): Promise<number> {
  try {
    const { status, body } = await exchange(target, 'GET', '/status', { limitMs });
    const { store } = JSON.parse(body.toString()) as { store?: Partial<StoreView> };
    if (status !== 200) return -1;
    if (store?.reachable === true) return 2;
    return store?.serverVersion === undefined ? 0 : 1;
  } catch {
    return -1;
  }
}

class Connection implements AdminConnection {
  readonly stack: FoundStack | undefined;
  readonly #tokenPath: string | undefined;
  /** The one that answered last comes first. */
  #targets: readonly Target[];

  constructor(
    targets: readonly Target[],
    tokenPath: string | undefined,
    stack: FoundStack | undefined,
  ) {
    this.#targets = targets;
    this.#tokenPath = tokenPath;
    this.stack = stack;
  }

  get url(): string {
    const { host, port } = this.#targets[0]!;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  async get(path: string, limitMs = readLimitMs): Promise<unknown> {
    return dataOf(await this.#read(path, limitMs));
  }

  async getOctets(path: string): Promise<Buffer> {
    return await this.#read(path, changeLimitMs);
  }

  async post(path: string, body?: object | Buffer, contentType?: string): Promise<unknown> {
    const isData = body !== undefined && !Buffer.isBuffer(body);
    const octets = isData ? Buffer.from(JSON.stringify(body)) : body;
    const type = contentType ?? (isData ? 'application/json' : 'application/octet-stream');
    const { status, body: answer } = await exchange(this.#targets[0]!, 'POST', path, {
      limitMs: changeLimitMs,
      token: readToken(this.#tokenPath),
      ...(octets && { body: octets, contentType: type }),
    });
    return dataOf(accepted(status, answer));
  }

  async #read(path: string, limitMs: number): Promise<Buffer> {
    for (const [tried, target] of this.#targets.entries()) {
      try {
        const { status, body } = await exchange(target, 'GET', path, { limitMs });
        this.#targets = [target, ...this.#targets.filter((other) => other !== target)];
        return accepted(status, body);
      } catch (error) {
        const isLast = tried === this.#targets.length - 1;
        const gone = error instanceof MeridianError && error.code === 'admin_unreachable';
        if (!gone || isLast) throw error;
      }
    }
    throw new MeridianError<AdminConnectionErrorCode>('admin_unreachable', 'no node to ask');
  }
}

function readToken(path: string | undefined): string {
  const missing = 'changes need the admin token: name its file with --token-file';
  try {
    if (path !== undefined) return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new MeridianError<AdminConnectionErrorCode>(
      'admin_token_unreadable',
      `the admin token cannot be read: ${messageOf(cause)}`,
      { cause },
    );
  }
  throw new MeridianError<AdminConnectionErrorCode>('admin_token_unreadable', missing);
}

/** @throws MeridianError for an answer that is a problem (RFC 9457) */
function accepted(status: number, body: Buffer): Buffer {
  if (status >= 200 && status < 300) return body;
  const { code, detail, type, title, status: _, ...details } = problemOf(body);
  if (typeof code === 'string' && typeof detail === 'string') {
    throw new MeridianError(code, detail, { details });
  }
  throw new MeridianError<AdminConnectionErrorCode>(
    'admin_refused',
    `the admin API answered ${status} without a reason`,
  );
}

function problemOf(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function dataOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (cause) {
    throw new MeridianError<AdminConnectionErrorCode>(
      'admin_refused',
      'what answers there is no admin API of Meridian: it does not answer in JSON',
      { cause },
    );
  }
}
