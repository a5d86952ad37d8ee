import { findField } from '../http1/fields.ts';
import { type ProblemCode, problemBody, problems } from './problems.ts';

/** Reason phrases of what the gateway answers by itself. */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  508: 'Loop Detected',
};

/** An answer that the gateway makes itself. */
export interface OwnAnswer {
  readonly status: number;
  readonly contentType: string;
  /** Text is ASCII. Bytes may be many, and follow the head as the client takes them. */
  readonly body: string | Buffer;
  /** Lines of its own, each with CRLF. */
  readonly fields: string;
}

export interface AnswerContext {
  readonly requestId: string;
  readonly region: string;
  readonly wallMs: number;
  /** HEAD: the head says what a GET would get, the body stays away. */
  readonly headOnly: boolean;
}

/** Whose responses end with their head: octets after it would be taken for the next one (RFC 9112 section 6.3). */
export function hasNoContent(status: number): boolean {
  return status === 204 || status === 304;
}

/** Content as an answer holds it: text of ASCII as it is, other text as bytes. */
export function contentOf(text: string): string | Buffer {
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text);
}

/**
 * The whole message in HTTP/1.1, or its head where the body is bytes. Unless it says
 * otherwise no cache may store it: it tells of a moment.
 */
export function serialiseAnswer(
  answer: OwnAnswer,
  context: AnswerContext,
  keepAlive: boolean,
  clientMinor: 0 | 1,
): string {
  const { status, contentType, body, fields } = answer;
  const cache = /^cache-control:/im.test(fields) ? '' : 'Cache-Control: no-store\r\n';
  const bodiless = hasNoContent(status);
  const text = context.headOnly || bodiless || typeof body !== 'string' ? '' : body;
  const type = /^content-type:/im.test(fields) ? '' : `Content-Type: ${contentType}\r\n`;
  const content = bodiless ? '' : `${type}Content-Length: ${body.length}\r\n`;
  return (
    `HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\n` +
    `Date: ${new Date(context.wallMs).toUTCString()}\r\n${content}${cache}` +
    `X-Request-Id: ${context.requestId}\r\nMeridian-Region: ${context.region}\r\n` +
    `${connectionLine(keepAlive, clientMinor)}${fields}\r\n${text}`
  );
}

function connectionLine(keepAlive: boolean, clientMinor: 0 | 1): string {
  if (!keepAlive) return 'Connection: close\r\n';
  return clientMinor === 0 ? 'Connection: keep-alive\r\n' : '';
}

/** The fields of the same for HTTP/2, but for the status: name, value, name, value …, in lower case. */
export function answerFields(answer: OwnAnswer, context: AnswerContext): string[] {
  const text = serialiseAnswer(answer, { ...context, headOnly: true }, true, 1);
  return fieldsOfLines(text.slice(text.indexOf('\r\n') + 2, -2));
}

/** Lines of ours, `Name: value CRLF` each, as name, value, name, value … in lower case. */
export function fieldsOfLines(lines: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const colon = lines.indexOf(': ', at);
    const end = lines.indexOf('\r\n', colon);
    fields.push(lines.slice(at, colon).toLowerCase(), lines.slice(colon + 2, end));
    at = end + 2;
  }
  return fields;
}

/** Whether an error is to be told as gRPC does: its clients look at nothing else. */
export function speaksGrpc(fields: readonly string[]): boolean {
  return /^application\/grpc(?:$|[+;])/i.test(findField(fields, 'content-type') ?? '');
}

/**
 * A problem for a gRPC client: a response of trailers only. The codes are those of
 * grpc/doc/http-grpc-status-mapping.md, but for timeouts and limits, which the gateway
 * knows for what they are.
 */
export function grpcProblemAnswer(code: ProblemCode, fields: string): OwnAnswer {
  const { status, title } = problems[code];
  const grpc = `grpc-status: ${grpcStatus(status)}\r\ngrpc-message: ${title} (${code})\r\n`;
  return { status: 200, contentType: 'application/grpc', body: '', fields: `${fields}${grpc}` };
}

/** Numbers of google.rpc.Code by HTTP status. */
const grpcStatuses: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  413: 8,
  429: 8,
  431: 8,
  500: 13,
  501: 12,
  502: 14,
  503: 14,
  504: 4,
};

function grpcStatus(status: number): number {
  return grpcStatuses[status] ?? 2;
}

export function problemAnswer(
  code: ProblemCode,
  requestId: string,
  fields: string,
  detail: string | undefined,
): OwnAnswer {
  return {
    status: problems[code].status,
    contentType: 'application/problem+json',
    body: problemBody(code, requestId, detail),
    fields,
  };
}
