import { type ProblemCode, problemBody, problems } from './problems.ts';

/** Reason phrases of what the gateway answers by itself. */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  414: 'URI Too Long',
  417: 'Expectation Failed',
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
  const text = context.headOnly || status === 204 || typeof body !== 'string' ? '' : body;
  const content =
    status === 204 ? '' : `Content-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n`;
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
