import type { Message } from '../wire/message.ts';

/** One question on its way. */
export interface Ask {
  /** The query with the given id. */
  encode(id: number): Buffer;
  /** Whether a message is the response to this question; its id was compared already. */
  accepts(message: Message): boolean;
  readonly timeoutMs: number;
}

/** The address of a server. */
export interface ServerAddress {
  readonly server: string;
  readonly port: number;
}
