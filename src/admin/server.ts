import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { codeOf, MeridianError, messageOf } from '../base/errors.ts';
import { type Answer, problem } from './answer.ts';
import { discardRest, readBody } from './body.ts';
import { Connections } from './connections.ts';
import { type AdminRequest, dispatch } from './dispatch.ts';
import { createGuard } from './guard.ts';
import type { NodeView } from './node-view.ts';
import type { AdminProblemCode } from './problems.ts';

/** `admin_port_taken`: another program holds it. `admin_listen_failed`: any other cause. */
export type AdminErrorCode = 'admin_port_taken' | 'admin_listen_failed';

export interface AdminServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** What changes must present; without it nothing can be changed. */
  readonly token: string | undefined;
  readonly view: NodeView;
  /** For the head of a request to come in. Default: 2 s. */
  readonly headTimeoutMs?: number;
  /** For head and body of a request to come in. Default: 10 s. */
  readonly requestTimeoutMs?: number;
  /** Told of errors of the node's own behind a 500. */
  onFailure?(error: unknown): void;
}

export interface AdminServer {
  readonly port: number;
  /** Ends at once what is idle, and within a second what is not. Idempotent. */
  close(): Promise<void>;
}

const closeLimitMs = 1_000;

/**
 * The admin API of a node: reading for anyone on this machine, changing with the token.
 *
 * @throws MeridianError `admin_port_taken`, `admin_listen_failed`
 */
export async function createAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const {
    host,
    port,
    token,
    view,
    headTimeoutMs = 2_000,
    requestTimeoutMs = 10_000,
    onFailure = () => undefined,
  } = options;
  const guard = createGuard(token);
  const server = createServer({
    headersTimeout: Math.min(headTimeoutMs, requestTimeoutMs),
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: 500,
    maxHeaderSize: 16 * 1024,
  });
  const connections = new Connections(server);
  /** Whose body was still on its way: the limit of its time calls for no second answer. */
  const answeredEarly = new WeakSet<Duplex>();
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    request.on('error', () => undefined); // the connection is gone, and with it who asked
    const { socket } = request;
    response.once('close', () => connections.answered(socket));
    const asked = askedOf(request, async (rule) => {
      const body = await readBody(request, response, rule);
      connections.busy(socket);
      return body;
    });
    dispatch(asked, guard, view, onFailure)
      .then((answer) => {
        if (!request.complete) answeredEarly.add(socket);
        send(request, response, answer);
      })
      .catch(onFailure);
  };
  server.on('request', answer);
  server.on('checkContinue', answer);
  server.on('clientError', (error, socket) => {
    if (answeredEarly.has(socket)) socket.destroy();
    else refuseMalformed(error, socket);
  });
  await listen(server, host, port);
  return { port: (server.address() as AddressInfo).port, close: closeOnce(server) };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (cause) {
    const taken = codeOf(cause) === 'EADDRINUSE';
    const why = taken ? 'another program holds the port' : messageOf(cause);
    throw new MeridianError<AdminErrorCode>(
      taken ? 'admin_port_taken' : 'admin_listen_failed',
      `the admin API cannot listen on ${host}:${port}: ${why}`,
      { cause, details: { host, port } },
    );
  }
}

function askedOf(request: IncomingMessage, body: AdminRequest['body']): AdminRequest {
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    remoteAddress: request.socket.remoteAddress,
    host: request.headers.host,
    authorization: request.headers.authorization,
    body,
  };
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  // Who asked whether to go on and was refused may or may not send the body nevertheless.
  const uncertain = request.headers.expect !== undefined && !request.complete;
  if (!request.complete) {
    response.shouldKeepAlive = true; // Else the answer is followed by a reset that overtakes it.
    discardRest(request);
  }
  response.writeHead(answer.status, {
    ...fieldsOf(answer),
    ...(uncertain && { Connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

function fieldsOf({ contentType, body, headers }: Answer): Record<string, string | number> {
  return {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  };
}

/** What node:http could not read, or waited for too long. */
function refuseMalformed(error: Error, socket: Duplex): void {
  if (!socket.writable || codeOf(error) === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const answer = problem(codeOfMalformed(error), 'the connection is closed', {
    Connection: 'close',
  });
  const fields = Object.entries(fieldsOf(answer)).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${answer.status} \r\n${fields.join('')}\r\n${answer.body}`);
}

function codeOfMalformed(error: Error): AdminProblemCode {
  if (codeOf(error) === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  return codeOf(error) === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : 'malformed_request';
}

function closeOnce(server: Server): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= new Promise((resolve) => {
      const force = setTimeout(() => server.closeAllConnections(), closeLimitMs);
      server.close(() => {
        clearTimeout(force);
        resolve();
      });
      server.closeIdleConnections();
    });
    return closed;
  };
}
