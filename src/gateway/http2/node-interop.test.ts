/** Frames and field blocks against those of `node:http2`, over a socket, both ways. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import type { FrameHandler } from './frames.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import { staticTable } from './hpack/static-table.ts';

const limits = { fieldBytes: 60_000, fieldCount: 1_000 };
const HEADER_TABLE_SIZE = 1;
const ENABLE_PUSH = 2;

type Fields = string[];

/** Our end of a connection: answers SETTINGS and PING, and keeps each field block as it comes. */
class Endpoint implements FrameHandler {
  readonly writer = new FrameWriter();
  readonly encoder = new HpackEncoder();
  /** Field blocks, decoded, by stream. */
  readonly received = new Map<number, Fields>();
  onBlock: (streamId: number) => void = () => {};
  readonly #decoder = new HpackDecoder();
  readonly #socket: Socket;

  constructor(socket: Socket, preface: boolean) {
    this.#socket = socket;
    const reader = new FrameReader(this, {
      preface,
      blockBytes: 100_000,
      onBlockTooLarge: () => assert.fail('a field block is too large'),
    });
    socket.on('data', (bytes: Buffer) => {
      reader.read(bytes, 0, bytes.length);
      this.flush();
    });
    socket.on('error', () => {});
  }

  send(streamId: number, fields: readonly string[]): void {
    this.writer.headers(streamId, this.encoder.encode(fields), true, 16_384);
    this.flush();
  }

  flush(): void {
    const bytes = this.writer.take();
    if (bytes.length > 0) this.#socket.write(bytes);
  }

  onHeaders(streamId: number, block: Buffer, start: number, end: number): void {
    const { fields, wellFormed, tooLarge } = this.#decoder.decode(block, start, end, limits);
    assert.ok(wellFormed && !tooLarge);
    this.received.set(streamId, fields);
    this.onBlock(streamId);
  }

  onSettings(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end; at += 6) {
      if (bytes.readUInt16BE(at) !== HEADER_TABLE_SIZE) continue;
      this.encoder.setMaxTableSize(bytes.readUInt32BE(at + 2));
    }
    this.writer.settingsAck();
  }

  onPing(bytes: Buffer, start: number, ack: boolean): void {
    if (!ack) this.writer.ping(bytes, start, true);
  }

  onGoAway(_lastStreamId: number, code: number): void {
    assert.equal(code, 0, 'GOAWAY');
  }

  onDataBegin(): void {}
  onData(): void {}
  onDataEnd(): void {}
  onPriority(): void {}
  onRstStream(): void {}
  onSettingsAck(): void {}
  onWindowUpdate(): void {}
  onUnknown(): void {}
}

async function listening(server: Server | http2.Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** All octets that may be in a value, in many shares; names known to the static table and not. */
const everyOctet = Array.from({ length: 256 }, (_, octet) => octet).filter(
  (octet) => octet >= 0x20 && octet !== 0x7f,
);
const octets = fc.array(fc.constantFrom(...everyOctet), { maxLength: 60 });
const value = fc.oneof(
  fc.constantFrom('gzip, deflate', 'text/html', '1', 'no-cache', 'v'.repeat(600)),
  octets.map((some) => `<${String.fromCharCode(...some)}>`),
);
const name = fc.constantFrom(
  ...['accept', 'accept-language', 'cache-control', 'user-agent', 'x-request-id', 'x-own', 'etag'],
  ...['x-a', 'x-b', 'x-c', 'traceparent', 'authorization', `x-${'long-'.repeat(40)}name`],
);
const regular = fc.uniqueArray(fc.tuple(name, value), {
  selector: ([one]) => one,
  maxLength: 9,
});
const messages = fc.sample(regular, { numRuns: 120, seed: 7541 });
const withAllOctets = String.fromCharCode(...everyOctet).trim();
messages.push([['x-octets', withAllOctets]], [['x-octets', withAllOctets]]);

/** All regular names of the static table that a request may have. */
const staticNames = staticTable
  .filter((_, at) => at % 2 === 0)
  .filter((one) => !one.startsWith(':') && one !== 'transfer-encoding' && one !== 'content-length');
messages.push(staticNames.map((one) => [one, 'x'] as [string, string]));
messages.push([['accept-encoding', 'gzip, deflate']]);

/** All static entries with a value, and others, in turn. */
function pseudo(turn: number): Fields {
  const path = ['/', '/index.html', `/${turn}`][turn % 3]!;
  const [method, scheme] = turn % 2 === 0 ? ['GET', 'http'] : ['POST', 'https'];
  return [':method', method!, ':scheme', scheme!, ':authority', 'a.test', ':path', path];
}
const statuses = ['200', '204', '206', '304', '400', '404', '500', '201'];

const secretNames = ['authorization', 'cookie', 'proxy-authorization', 'set-cookie'];

test('what the client of Node sends is decoded', async (t) => {
  const server = createServer();
  t.after(() => server.close());
  const port = await listening(server);
  const client = http2.connect(`http://127.0.0.1:${port}`);
  t.after(() => client.destroy());
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const endpoint = new Endpoint(socket, true);
  t.after(() => socket.destroy());
  const resize = (bytes: number) => endpoint.writer.settings([[HEADER_TABLE_SIZE, bytes]]);
  resize(4_096);
  endpoint.flush();
  await once(client, 'remoteSettings');
  for (const [at, fields] of messages.entries()) {
    if (at % 20 === 10) {
      resize([0, 100, 4_096, 300, 4_096, 0][Math.floor(at / 20)]!);
      if (at % 40 === 10) resize(4_096);
      endpoint.flush();
      await once(client, 'remoteSettings');
    }
    const arrived = new Promise<number>((resolve) => {
      endpoint.onBlock = resolve;
    });
    const headers = Object.fromEntries([...pairs(pseudo(at)), ...fields]);
    const request = client.request(headers, { endStream: true });
    request.on('error', () => {});
    const received = endpoint.received.get(await arrived)!;
    assert.deepEqual(pairs(received), Object.entries(headers));
    endpoint.send(request.id!, [':status', '204']);
  }
});

test('what is encoded the server of Node decodes, and its answers are decoded', async (t) => {
  const server = http2.createServer({ settings: { headerTableSize: 4_096 } });
  t.after(() => server.close());
  const port = await listening(server);
  let seen: Fields = [];
  let sensitive: readonly string[] = [];
  server.on('stream', (stream, headers, _flags, rawHeaders: unknown) => {
    seen = rawHeaders as Fields;
    sensitive = Reflect.get(headers, http2.sensitiveHeaders);
    const echoed = pairs(seen).filter(([one]) => !one.startsWith(':'));
    const status = statuses[((stream.id! - 1) / 2) % statuses.length]!;
    stream.respond({ ...Object.fromEntries(echoed), ':status': status }, { endStream: true });
  });
  const sessions: http2.ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', assert.fail);
  });
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  socket.setNoDelay(true);
  const endpoint = new Endpoint(socket, false);
  endpoint.writer.preface();
  endpoint.writer.settings([[ENABLE_PUSH, 0]]);
  endpoint.flush();
  for (const [at, fields] of messages.entries()) {
    if (at % 20 === 10) {
      const sizes = [0, 100, 4_096, 300, 4_096, 0];
      const { promise, resolve } = Promise.withResolvers<void>();
      sessions[0]!.settings({ headerTableSize: sizes[Math.floor(at / 20)]! }, () => resolve());
      await promise;
    }
    const streamId = 2 * at + 1;
    const arrived = new Promise((resolve) => {
      endpoint.onBlock = resolve;
    });
    const sent = [...pseudo(at), ...fields.flat()];
    endpoint.send(streamId, sent);
    await arrived;
    assert.deepEqual(seen, sent);
    const names = new Set(fields.map(([one]) => one));
    assert.deepEqual(
      [...sensitive].sort(),
      secretNames.filter((one) => names.has(one)),
    );
    const answered = endpoint.received.get(streamId)!;
    assert.deepEqual(answered.slice(0, 2), [':status', statuses[at % statuses.length]]);
    // Node adds `date` where there is none.
    const withoutDate = (all: [string, string][]) => all.filter(([one]) => one !== 'date');
    assert.deepEqual(withoutDate(pairs(answered.slice(2))), withoutDate(fields));
  }
});

function pairs(fields: readonly string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let at = 0; at < fields.length; at += 2) out.push([fields[at]!, fields[at + 1]!]);
  return out;
}
