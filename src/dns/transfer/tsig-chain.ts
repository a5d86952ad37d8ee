import { type Hmac, timingSafeEqual } from 'node:crypto';
import { DnsError } from '../errors.ts';
import { rcodeName } from '../wire/codes.ts';
import { isOutOfTime, tsigErrorName } from './tsig.ts';
import type { TsigKey } from './tsig-key.ts';
import { findTsig, signedTimers, signedVariables, uint16, unsignedMessage } from './tsig-record.ts';

/** RFC 8945 5.3.1: so many messages may come between two that are signed. */
const mostUnsigned = 99;

/**
 * Checks the signatures of the answers to one request, one after the other (RFC 8945 5.3.1). Each is
 * of all since the one before it, so that none can be changed, added or left out:
 *
 *   request MAC │ message 1 │ all of the TSIG ─▶ MAC 1 │ message 2 │ message 3 │ times ─▶ MAC 3 …
 */
export class TsigChain {
  readonly #key: TsigKey;
  #hmac: Hmac;
  #unsigned = 0;
  #first = true;

  constructor(key: TsigKey, requestMac: Buffer) {
    this.#key = key;
    this.#hmac = this.#begin(requestMac);
  }

  /** @throws DnsError `transfer_failed` */
  take(message: Buffer, nowSeconds: number): void {
    const record = findTsig(message, message.length);
    if (record === 'malformed') throw failed('has a broken signature');
    if (record === 'none') {
      if (this.#first) throw failed(`is not signed (${rcodeName(message.readUInt8(3) & 15)})`);
      if (++this.#unsigned > mostUnsigned) throw failed('has too many messages without signature');
      this.#hmac.update(message);
      return;
    }
    const key = this.#key;
    if (record.keyOf !== key.name.key || !record.algorithm.equals(key.algorithmName)) {
      throw failed('is signed with another key');
    }
    const tail = this.#first ? signedVariables(record) : signedTimers(record);
    const expected = this.#hmac.update(unsignedMessage(message, record)).update(tail).digest();
    const { mac, error } = record;
    if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) {
      throw failed(error === 0 ? 'has a wrong signature' : `says ${tsigErrorName(error)}`);
    }
    if (error !== 0) throw failed(`says ${tsigErrorName(error)}`);
    if (isOutOfTime(record, nowSeconds))
      throw failed('was signed by a clock that differs too much');
    this.#first = false;
    this.#unsigned = 0;
    this.#hmac = this.#begin(mac);
  }

  /** The last message must be signed. @throws DnsError `transfer_failed` */
  end(): void {
    if (this.#first || this.#unsigned > 0) throw failed('ends without a signature');
  }

  #begin(before: Buffer): Hmac {
    return this.#key.hmac().update(uint16(before.length)).update(before);
  }
}

function failed(what: string): DnsError {
  return new DnsError('transfer_failed', `the answer ${what}`);
}
