import { randomInt } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { metaType } from '../wire/codes.ts';
import type { DomainName } from '../wire/name.ts';
import { encodeQuery } from '../wire/query-writer.ts';
import { type SoaNumbers, soa } from '../wire/records/soa.ts';
import { IncomingTransfer, readSoaAnswer } from './incoming-transfer.ts';
import { type PrimaryAddress, PrimaryConnection } from './primary-connection.ts';
import { isNewerSerial } from './serial.ts';
import { TsigSigner } from './tsig.ts';
import { TsigChain } from './tsig-chain.ts';
import type { TsigKey } from './tsig-key.ts';
import type { ZoneImage } from './zone-image.ts';

export interface PrimaryQuestion {
  readonly apex: DomainName;
  /** What we have; `undefined`: nothing that counts. */
  readonly serial: number | undefined;
  readonly key: TsigKey | undefined;
  readonly isSignedHere: boolean;
  readonly primary: PrimaryAddress;
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * What a primary says: it has what we have, it has something newer and here it is, or it is behind us.
 */
export type PrimaryAnswer =
  | { readonly kind: 'same' }
  | { readonly kind: 'newer'; readonly image: ZoneImage }
  | { readonly kind: 'older'; readonly serial: number };

/**
 * Asks a primary for its serial, and for the zone where that is newer (RFC 1035 4.3.5). Both over TCP:
 * nobody off the path can answer there. Each has a connection, since some servers end theirs after an
 * answer.
 *
 * @throws DnsError `transfer_failed`, with the address of the primary and what is wrong
 */
export async function askPrimary(question: PrimaryQuestion): Promise<PrimaryAnswer> {
  const { serial } = question;
  const there = await askSoa(question);
  if (serial !== undefined && there.serial === serial) return { kind: 'same' };
  if (serial !== undefined && !isNewerSerial(there.serial, serial)) {
    return { kind: 'older', serial: there.serial };
  }
  const image = await askZone(question);
  // It may have changed in between, also to what it was before.
  if (serial !== undefined && !isNewerSerial(image.soa.serial, serial)) {
    return { kind: 'older', serial: image.soa.serial };
  }
  return { kind: 'newer', image };
}

function askSoa(question: PrimaryQuestion): Promise<SoaNumbers> {
  const { query, asked, check } = prepare(question, soa.code);
  return ask(question, query, (message) => {
    check?.take(message, question.clock.wallMs() / 1_000);
    return readSoaAnswer(message, asked);
  });
}

function askZone(question: PrimaryQuestion): Promise<ZoneImage> {
  const { query, asked, check } = prepare(question, metaType.zoneTransfer);
  const incoming = new IncomingTransfer({ ...asked, isSignedHere: question.isSignedHere });
  return ask(question, query, (message) => {
    check?.take(message, question.clock.wallMs() / 1_000);
    const whole = incoming.take(message);
    if (whole) check?.end();
    return whole;
  });
}

async function ask<Result>(
  { primary, clock, signal }: PrimaryQuestion,
  query: Buffer,
  take: (message: Buffer) => Result | undefined,
): Promise<Result> {
  const connection = await PrimaryConnection.open(primary, clock, signal);
  const abort = () => connection.close();
  signal.addEventListener('abort', abort);
  try {
    return await connection.ask(query, take);
  } finally {
    signal.removeEventListener('abort', abort);
    connection.close();
  }
}

function prepare({ apex, key, clock }: PrimaryQuestion, type: number) {
  const asked = { id: randomInt(0x1_0000), apex, type };
  const query = encodeQuery({ id: asked.id, name: apex, type });
  if (!key) return { asked, query };
  const signer = new TsigSigner(key);
  const signed = Buffer.concat([query, Buffer.alloc(signer.overheadBytes)]);
  const end = signer.sign(signed, query.length, Math.floor(clock.wallMs() / 1_000));
  return { asked, query: signed.subarray(0, end), check: new TsigChain(key, signer.mac) };
}
