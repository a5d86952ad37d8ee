import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { CheckConfig } from '../../config/schema/check.ts';
import type { Attempt, Conversation } from './attempt.ts';
import { authorityOf } from './authority.ts';
import { isSecure } from './certificate.ts';
import { checkRequest, servingStatus } from './grpc-messages.ts';

export type GrpcCheck = Extract<CheckConfig, { type: 'grpc' }>;

/** An answer has two bytes of message; what is much longer is no answer of this protocol. */
const mostMessageBytes = 1_024;

const statusWords = new Map([
  ['5', 'the server does not know the service'],
  ['12', 'the server has no gRPC health protocol'],
  ['16', 'the server wants credentials'],
]);

/**
 * The gRPC health protocol (grpc.health.v1.Health/Check): one call over HTTP/2 by Node's own
 * client, whose bounds on frames, fields and memory hold against the peer.
 */
export const grpcConversation = (check: GrpcCheck): Conversation => ({
  begin(attempt) {
    const { socket } = attempt;
    if (isSecure(socket) && socket.alpnProtocol !== 'h2') {
      return attempt.fail('the server does not offer HTTP/2 (ALPN)');
    }
    const { host, port } = attempt.target;
    const scheme = isSecure(socket) ? 'https' : 'http';
    const session = connect(`${scheme}://${authorityOf(host, port, scheme)}`, {
      createConnection: () => socket,
      settings: { enablePush: false },
      maxSessionMemory: 1,
      maxHeaderListPairs: 64,
    });
    session.on('error', (error) => attempt.fail(`HTTP/2 failed: ${error.message}`));
    session.on('close', () => attempt.fail('closed before an answer'));
    session.on('remoteSettings', () => attempt.heard());
    listen(call(session, check), session, attempt);
  },
});

function call(session: ClientHttp2Session, { service }: GrpcCheck): ClientHttp2Stream {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
    [constants.HTTP2_HEADER_USER_AGENT]: 'meridian-probe',
  });
  stream.end(checkRequest(service));
  return stream;
}

function listen(stream: ClientHttp2Stream, session: ClientHttp2Session, attempt: Attempt): void {
  let message = Buffer.alloc(0);
  let grpcStatus: string | undefined;
  const note = (fields: Record<string, unknown>) => {
    if (fields['grpc-status'] !== undefined) grpcStatus = String(fields['grpc-status']);
  };
  stream.on('response', (fields) => {
    attempt.heard();
    note(fields);
    const status = fields[':status'];
    if (status !== 200) attempt.fail(`status ${status}`);
  });
  stream.on('data', (bytes: Buffer) => {
    message = Buffer.concat([message, bytes]);
    if (message.length > mostMessageBytes)
      attempt.fail('not an answer of the gRPC health protocol');
  });
  stream.on('trailers', note);
  stream.on('error', (error) => attempt.fail(`HTTP/2 failed: ${error.message}`));
  stream.on('close', () => {
    const [ok, detail] = stream.rstCode
      ? ([false, `HTTP/2 failed: stream reset with code ${stream.rstCode}`] as const)
      : verdictOf(grpcStatus, message);
    session.close();
    attempt.finish(ok, detail);
  });
}

function verdictOf(grpcStatus: string | undefined, message: Buffer): [boolean, string] {
  if (grpcStatus === undefined) return [false, 'an answer without grpc-status'];
  if (grpcStatus !== '0') {
    const code = /^\d{1,2}$/.test(grpcStatus) ? grpcStatus : 'of no known form';
    const words = statusWords.get(code);
    return [false, `grpc-status ${code}${words ? `: ${words}` : ''}`];
  }
  const serving = servingStatus(message);
  if (serving === undefined) return [false, 'not an answer of the gRPC health protocol'];
  return [serving === 'SERVING', serving];
}
