import { flag } from '../wire/codes.ts';
import { MessageWriter, section } from '../wire/message-writer.ts';
import type { WrittenSet } from '../zone-file/writer.ts';
import type { TsigSigner } from './tsig.ts';

/** Compression reaches back so far, and what is larger saves nothing. */
const messageBytes = 16 * 1024;

export interface Transfer {
  /** Of the query. */
  readonly id: number;
  /** The query, whose question stands in each message. */
  readonly query: Uint8Array;
  readonly questionEnd: number;
  /** The SOA alone. */
  readonly soa: WrittenSet;
  /** Everything else. */
  readonly sets: Iterable<WrittenSet>;
  /** `undefined`: the messages are not signed. */
  readonly signer: TsigSigner | undefined;
  readonly nowSeconds: () => number;
}

/**
 * The messages of a zone transfer (AXFR, RFC 5936 2.2), written one after the other into `output` when
 * they are asked for; yields the length of each.
 *
 *   SOA │ records … │ records … │ … records, SOA
 *
 * @param output at least 65,535 octets
 */
export function* transferMessages(transfer: Transfer, output: Buffer): Generator<number, void> {
  const { id, query, questionEnd, soa, sets, signer, nowSeconds } = transfer;
  const writer = new MessageWriter();
  const room = messageBytes - (signer?.overheadBytes ?? 0);
  const begin = (limit = room) => {
    writer.begin(output, limit, id, flag.response | flag.authoritative);
    writer.question(query, questionEnd);
  };
  const end = () => signer?.sign(output, writer.end(), nowSeconds()) ?? writer.end();
  begin();
  for (const { owner, type, ttlSeconds, records } of between(soa, sets)) {
    for (const data of records) {
      const write = () => writer.record(section.answer, owner, type, ttlSeconds, data);
      if (write()) continue;
      yield end();
      begin();
      if (write()) continue;
      // What is larger than a message should be gets the largest one there is.
      begin(output.length - (signer?.overheadBytes ?? 0));
      if (!write()) throw new RangeError(`a record of ${owner} is larger than a message`);
    }
  }
  yield end();
}

function* between(soa: WrittenSet, sets: Iterable<WrittenSet>): Generator<WrittenSet, void> {
  yield soa;
  yield* sets;
  yield soa;
}
