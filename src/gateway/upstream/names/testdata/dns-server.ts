import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createRequire } from 'node:module';

/** What is used of dns-packet, which comes without types. */
interface Packet {
  readonly id: number;
  readonly questions: readonly { readonly type: 'A' | 'AAAA'; readonly name: string }[];
}
interface Codec {
  decode(message: Uint8Array): Packet;
  encode(packet: object): Buffer;
}
const { decode, encode }: Codec = createRequire(import.meta.url)('dns-packet');

/** How a name is answered: addresses with their TTL, or a response code. */
export type DnsAnswer =
  | { readonly addresses: readonly string[]; readonly ttl: number }
  | { readonly rcode: 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED' };

const rcodes = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 } as const;

/** A name server on loopback, over UDP, that answers A and AAAA as the test says. */
export class DnsServer {
  readonly answers = new Map<string, DnsAnswer>();
  /** `A svc.example.test`, in the order of questions. */
  readonly questions: string[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (message, { port, address }) => {
      const reply = this.#reply(decode(message));
      if (reply) socket.send(reply, port, address);
    });
  }

  static async listen(): Promise<DnsServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  /** `undefined`, for a name without an answer: silence. */
  #reply({ id, questions }: Packet): Buffer | undefined {
    const { type, name } = questions[0]!;
    this.questions.push(`${type} ${name}`);
    const answer = this.answers.get(name.toLowerCase());
    if (!answer) return undefined;
    const base = { type: 'response', id, questions } as const;
    if ('rcode' in answer) return encode({ ...base, flags: rcodes[answer.rcode] });
    const isOfType = (address: string) => address.includes(':') === (type === 'AAAA');
    return encode({
      ...base,
      answers: answer.addresses
        .filter(isOfType)
        .map((data) => ({ type, name, ttl: answer.ttl, data })),
    });
  }
}
