import {
  TsigSigner,
  type TsigVerdict,
  tsigError,
  verifyTsig,
  writeUnsignedRefusal,
} from '../transfer/tsig.ts';
import type { TsigKey } from '../transfer/tsig-key.ts';
import { tsigBytes } from '../transfer/tsig-record.ts';
import { rcode } from '../wire/codes.ts';
import type { NameKey } from '../wire/name.ts';

const unsigned: TsigVerdict = { kind: 'none' };

/**
 * The signature of a query and that of its response (TSIG, RFC 8945 5.3):
 *
 *   query            response
 *   none             as it is
 *   good             signed
 *   not a record     FORMERR
 *   unknown key,     NOTAUTH, with BADKEY or BADSIG, not signed: nobody has proved to know a key
 *   wrong MAC
 *   clock, short MAC NOTAUTH, with BADTIME or BADTRUNC, signed
 */
export class ResponseSignature {
  /** What that of the last query is worth. */
  proof: TsigVerdict = unsigned;
  /** Octets to keep free at the end of the response. */
  overheadBytes = 0;
  readonly #nowSeconds: () => number;
  #signer: TsigSigner | undefined;

  constructor(nowSeconds: () => number) {
    this.#nowSeconds = nowSeconds;
  }

  /** For a query without one. */
  reset(): void {
    this.proof = unsigned;
    this.overheadBytes = 0;
    this.#signer = undefined;
  }

  /** Returns the RCODE that follows, `noError` for a good one. */
  judge(message: Uint8Array, length: number, keys: ReadonlyMap<NameKey, TsigKey>): number {
    this.reset();
    const bytes = Buffer.from(message.buffer, message.byteOffset, length);
    const proof = verifyTsig(bytes, length, keys, this.#nowSeconds());
    this.proof = proof;
    if (proof.kind === 'good') {
      this.#signer = new TsigSigner(proof.key, proof.mac);
      this.overheadBytes = this.#signer.overheadBytes;
      return rcode.noError;
    }
    if (proof.kind !== 'refused') return rcode.formatError;
    const { record, key } = proof;
    if (key && isProved(proof.error)) {
      this.#signer = new TsigSigner(key, record.mac);
      this.overheadBytes = this.#signer.overheadBytes;
    } else this.overheadBytes = tsigBytes(record.keyName, record.algorithm, 0);
    return rcode.notAuthorized;
  }

  /** Signs the response in output[0,end), which has room for `overheadBytes`; returns its end. */
  sign(output: Buffer, end: number): number {
    const { proof } = this;
    if (proof.kind === 'refused') {
      if (!this.#signer) return writeUnsignedRefusal(output, end, proof);
      return this.#signer.signRefusal(output, end, proof, this.#nowSeconds());
    }
    return this.#signer?.sign(output, end, this.#nowSeconds()) ?? end;
  }
}

/** The MAC was right, as far as it goes. */
function isProved(error: number): boolean {
  return error === tsigError.badTime || error === tsigError.badTruncation;
}
