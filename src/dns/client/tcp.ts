import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { messageOf } from '../../base/errors.ts';
import { DnsError } from '../errors.ts';
import { decodeMessage, type Message } from '../wire/message.ts';
import type { Ask, ServerAddress } from './exchange.ts';

/**
 * One question over a TCP connection of its own. Rejects with `lookup_timeout`,
 * `lookup_failed` or, since nobody can forge here, `bad_message` for what is not its answer.
 */
export function askOverTcp(address: ServerAddress, ask: Ask): Promise<Message> {
  const { server, port } = address;
  const id = randomInt(0x1_0000);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server, port, noDelay: true });
    const settle = (finish: () => void) => {
      clearTimeout(timeout);
      socket.destroy();
      finish();
    };
    const fail = (why: string, cause?: unknown) => {
      const message = `cannot reach ${server}:${port} over TCP: ${why}`;
      settle(() => reject(new DnsError('lookup_failed', message, { cause })));
    };
    const timeout = setTimeout(() => {
      const message = `no answer from ${server}:${port} over TCP within ${ask.timeoutMs} ms`;
      settle(() => reject(new DnsError('lookup_timeout', message)));
    }, ask.timeoutMs);
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2) return;
      const end = 2 + received.readUInt16BE(0);
      if (received.length < end) return;
      settle(() => {
        try {
          resolve(readResponse(received.subarray(2, end), id, ask));
        } catch (error) {
          reject(error);
        }
      });
    });
    socket.on('error', (error) => fail(messageOf(error), error));
    socket.on('end', () => fail('the server closed the connection'));
    socket.write(frame(ask.encode(id)));
  });
}

function readResponse(bytes: Buffer, id: number, ask: Ask): Message {
  const message = decodeMessage(bytes);
  if (message.id !== id || !ask.accepts(message)) {
    throw new DnsError('bad_message', 'the response is to another question');
  }
  return message;
}

/** The length of 2 bytes that stands before each message on TCP (RFC 1035 4.2.2). */
export function frame(message: Buffer): Buffer {
  const framed = Buffer.alloc(2 + message.length);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}
