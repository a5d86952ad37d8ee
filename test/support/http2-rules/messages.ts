import { ErrorCode } from '../../../src/gateway/http2/http2-error.ts';
import { get, type Http2Case, type Http2Tables, post } from '../http2-cases.ts';
import { END_STREAM, type FieldPairs } from '../raw-http2.ts';

const { PROTOCOL_ERROR } = ErrorCode;
const [method, scheme, path, authority] = get();

/** A request of these fields and nothing else is malformed. */
function malformed(rule: string, ...fields: FieldPairs): Http2Case {
  return {
    rule,
    does: (client) => client.headers(1, fields, END_STREAM),
    gets: { reset: PROTOCOL_ERROR },
  };
}

/** One that is right but for these. */
const added = (rule: string, ...fields: FieldPairs) => malformed(rule, ...get('/', ...fields));

/** What is well-formed, and answered. */
function answered(rule: string, status: number, ...fields: FieldPairs): Http2Case {
  return { rule, does: (client) => client.headers(1, fields, END_STREAM), gets: { status } };
}

const framing: Http2Case[] = [
  {
    rule: 'a second head that does not end the stream',
    does: (client) => {
      client.headers(1, post('/never'));
      client.headers(1, [['x-check', 'sum']]);
    },
    gets: { reset: PROTOCOL_ERROR },
  },
  {
    rule: 'a pseudo field in trailers',
    does: (client) => {
      client.headers(1, post('/never'));
      client.headers(1, [[':method', 'GET']], END_STREAM);
    },
    gets: { reset: PROTOCOL_ERROR },
  },
  {
    rule: 'a field of the connection in trailers',
    does: (client) => {
      client.headers(1, post('/never'));
      client.headers(1, [['transfer-encoding', 'chunked']], END_STREAM);
    },
    gets: { reset: PROTOCOL_ERROR },
  },
  {
    rule: 'less content than its length',
    does: (client) => {
      client.headers(1, post('/never', ['content-length', '4']));
      client.data(1, 'abc', END_STREAM);
    },
    gets: { reset: PROTOCOL_ERROR },
  },
  {
    rule: 'more content than its length, in several DATA',
    does: (client) => {
      client.headers(1, post('/never', ['content-length', '4']));
      client.data(1, 'abc');
      client.data(1, 'de', END_STREAM);
    },
    gets: { reset: PROTOCOL_ERROR },
  },
  {
    rule: 'a length, and the end with the head',
    does: (client) => client.headers(1, post('/', ['content-length', '4']), END_STREAM),
    gets: { reset: PROTOCOL_ERROR },
  },
  {
    rule: 'less content than its length before trailers',
    does: (client) => {
      client.headers(1, post('/never', ['content-length', '4']));
      client.data(1, 'abc');
      client.headers(1, [['x-check', 'sum']], END_STREAM);
    },
    gets: { reset: PROTOCOL_ERROR },
  },
  {
    rule: 'no content of no length',
    does: (client) => {
      client.headers(1, post('/', ['content-length', '0']));
      client.data(1, '', END_STREAM);
    },
    gets: { status: 200 },
  },
];

const names: Http2Case[] = [
  added('a name in capitals', ['X-Field', 'y']),
  added('one capital at the end', ['x-fielD', 'y']),
  added('a name with a space', ['x field', 'y']),
  added('a name with a colon', ['x:field', 'y']),
  added('a name with a line end', ['x\r\ny', 'z']),
  added('a name with NUL', ['x\0', 'y']),
  added('a name with an octet above 127', ['x\xe4', 'y']),
  added('no name', ['', 'y']),
  added('a value with CR', ['x', 'a\rb']),
  added('a value with LF', ['x', 'a\nb: c']),
  added('a value with NUL', ['x', 'a\0b']),
  added('a value that begins with a space', ['x', ' a']),
  added('a value that ends with a tab', ['x', 'a\t']),
  answered('an empty value, and octets above 127', 200, ...get('/', ['x', ''], ['y', '\xe4'])),
];

const ofConnection: Http2Case[] = [
  added('Connection', ['connection', 'keep-alive']),
  added('Keep-Alive', ['keep-alive', 'timeout=5']),
  added('Proxy-Connection', ['proxy-connection', 'keep-alive']),
  added('Transfer-Encoding', ['transfer-encoding', 'chunked']),
  added('Upgrade', ['upgrade', 'websocket']),
  added('TE of other than trailers', ['te', 'trailers, deflate;q=0.5']),
  answered('TE: trailers', 200, ...get('/', ['te', 'trailers'])),
];

const pseudo: Http2Case[] = [
  added('one that nobody knows', [':test', 'ok']),
  added('one of responses', [':status', '200']),
  added(':protocol, which was not offered', [':protocol', 'websocket']),
  malformed('after another field', method!, scheme!, path!, ['x', 'y'], authority!),
  malformed('no :method', scheme!, path!, authority!),
  malformed('no :scheme', method!, path!, authority!),
  malformed('no :path', method!, scheme!, authority!),
  malformed('an empty :path', method!, scheme!, [':path', ''], authority!),
  malformed('an empty :method', [':method', ''], scheme!, path!, authority!),
  malformed('a :method with a space', [':method', 'GET / HTTP/1.1'], scheme!, path!, authority!),
  malformed('two :method', method!, method!, scheme!, path!, authority!),
  malformed('two :scheme', method!, scheme!, scheme!, path!, authority!),
  malformed('two :path', method!, scheme!, path!, path!, authority!),
  malformed('two :authority', method!, scheme!, path!, authority!, authority!),
  malformed('CONNECT with a :path', [':method', 'CONNECT'], path!, authority!),
  malformed('CONNECT without :authority', [':method', 'CONNECT']),
];

const bad = [
  ...['http://a.test/', '*', 'path', '/a b', '/a\tb', '/\xe4', '/a#b'],
  ...['/..', '/%2e%2e', '/%2f', '/%zz', '\\a'],
];
const torn = ['/a\r\nx: y', '/a\0', '/a\x7f', ' /', '/ '];
const lengths = ['+4', '4,4', ' 4', '4 ', '04', '0x4', '-1', '', '4;', '9007199254740993'];
const withPath = (one: string): FieldPairs => [method!, scheme!, [':path', one], authority!];

const understood: Http2Case[] = [
  answered('CONNECT', 501, [':method', 'CONNECT'], [':authority', 'a.test:443']),
  answered('TRACE', 501, [':method', 'TRACE'], scheme!, path!, authority!),
  answered('a :scheme of neither kind', 400, method!, [':scheme', 'ftp'], path!, authority!),
  answered('no host at all', 400, method!, scheme!, path!),
  answered('Host in place of :authority', 200, method!, scheme!, path!, ['host', 'a.test']),
  answered('Host and :authority that agree', 200, ...get('/', ['host', 'A.test'])),
  answered('Host and :authority that do not', 400, ...get('/', ['host', 'b.test'])),
  added('two Host', ['host', 'a.test'], ['host', 'a.test']),
  answered('user information', 400, method!, scheme!, path!, [':authority', 'u:p@a.test']),
  answered('a path in :authority', 400, method!, scheme!, path!, [':authority', 'a.test/x']),
  answered('an empty :authority', 400, method!, scheme!, path!, [':authority', '']),
  ...bad.map((one) => answered(`:path ${JSON.stringify(one)}`, 400, ...withPath(one))),
  ...torn.map((one) => malformed(`:path ${JSON.stringify(one)}`, ...withPath(one))),
  ...lengths.map((one) => added(`Content-Length ${JSON.stringify(one)}`, ['content-length', one])),
  added('two Content-Length', ['content-length', '0'], ['content-length', '0']),
  answered('more fields than are taken', 431, ...get('/', ...many(101))),
  answered('more octets of fields than are taken', 431, ...get('/', ...large(10, 3_400))),
  answered('twice as many', 431, ...get('/', ...large(18, 3_400))),
  answered('a :path longer than is taken', 414, ...get(`/${'p'.repeat(8_300)}`)),
];

function many(count: number): FieldPairs {
  return Array.from({ length: count }, (_, index) => [`x-${index}`, 'y'] as const);
}

function large(count: number, length: number): FieldPairs {
  return many(count).map(([name]) => [name, 'y'.repeat(length)] as const);
}

/** By section. */
export const messagesRules: Http2Tables = {
  'RFC 9113 section 8.1: framing': framing,
  'RFC 9113 section 8.2.1: names and values': names,
  'RFC 9113 section 8.2.2: fields of the connection': ofConnection,
  'RFC 9113 section 8.3: pseudo fields': pseudo,
  'what is well-formed, and not served': understood,
};
