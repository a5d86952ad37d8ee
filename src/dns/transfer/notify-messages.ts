import { flag, headerBytes, opcodeNotify, rcode, rcodeName } from '../wire/codes.ts';
import type { DomainName } from '../wire/name.ts';
import { NameReader } from '../wire/name-reader.ts';
import { encodeQuery } from '../wire/query-writer.ts';
import { soa } from '../wire/records/soa.ts';
import { TsigSigner, verifyTsig } from './tsig.ts';
import type { TsigKey } from './tsig-key.ts';

/** A notification, and what its answer must fit. */
export interface SentNotify {
  readonly id: number;
  readonly apex: DomainName;
  readonly bytes: Buffer;
  readonly key: TsigKey | undefined;
  readonly mac: Buffer | undefined;
}

const opcodeBits = opcodeNotify << 11;

/** RFC 1996 3.7: the question alone; who gets it asks for the SOA anyway. */
export function encodeNotify(
  apex: DomainName,
  id: number,
  key: TsigKey | undefined,
  nowSeconds: number,
): SentNotify {
  // Without EDNS: some old servers take none with this opcode.
  const query = encodeQuery({ id, name: apex, type: soa.code });
  const end = headerBytes + apex.wire.length + 4;
  query.writeUInt16BE(opcodeBits | flag.authoritative, 2);
  query.writeUInt16BE(0, 10);
  const plain = query.subarray(0, end);
  if (!key) return { id, apex, bytes: plain, key, mac: undefined };
  const signer = new TsigSigner(key);
  const signed = Buffer.concat([plain, Buffer.alloc(signer.overheadBytes)]);
  const bytes = signed.subarray(0, signer.sign(signed, end, nowSeconds));
  return { id, apex, bytes, key, mac: signer.mac };
}

/**
 * What a message says to a notification: it was heard (`''`), or why not. `undefined`: that is no
 * answer to it, and may be forged.
 */
export function readNotifyAnswer(
  message: Buffer,
  { id, apex, key, mac }: SentNotify,
  nowSeconds: number,
): string | undefined {
  if (message.length < headerBytes || message.readUInt16BE(0) !== id) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & flag.response) === 0 || (flags & 0x7800) !== opcodeBits) return undefined;
  if (message.readUInt16BE(4) > 0) {
    const names = new NameReader();
    const at = names.read(message, headerBytes, message.length);
    if (at < 0 || names.key() !== apex.key) return undefined;
  }
  const code = flags & 15;
  if (key) {
    const keys = new Map([[key.name.key, key]]);
    const { kind } = verifyTsig(message, message.length, keys, nowSeconds, mac);
    // What is not signed is believed where it says no: nothing is lost by it but the asking again.
    if (kind !== 'good' && code === rcode.noError) return undefined;
  }
  return code === rcode.noError ? '' : `it answers ${rcodeName(code)}`;
}
