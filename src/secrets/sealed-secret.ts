import {
  contentBytes,
  type Envelope,
  openEnvelope,
  parseEnvelope,
  rewrap,
  seal,
} from './envelope.ts';
import { hasExactly } from './exact-fields.ts';
import type { KeyRing } from './key-ring.ts';
import { checkSecretName } from './reference.ts';
import { fail } from './secret-error.ts';

export const maximumSecretBytes = 64 * 1024;
/** Base64 of the largest content, and ample room for the rest. */
const maximumSealedBytes = 2 * maximumSecretBytes;

/** A secret as it stands in the store and in snapshots, as JSON. Only its envelope is authentic. */
export interface SealedSecret {
  readonly version: 1;
  /** ISO 8601: when the value was set, by the clock of the node that did. */
  readonly updatedAt: string;
  readonly envelope: Envelope;
}

const fields = ['version', 'updatedAt', 'envelope'] as const;
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** @throws SecretError `secret_value_invalid` */
export function sealSecret(
  ring: KeyRing,
  name: string,
  value: Uint8Array,
  updatedAt: string,
): SealedSecret {
  const context = contextOf(name);
  if (value.length === 0) fail('secret_value_invalid', `the value for ${context} is empty`);
  if (value.length > maximumSecretBytes) {
    const limit = `at most ${maximumSecretBytes} fit`;
    fail(
      'secret_value_invalid',
      `the value for ${context} has ${value.length} bytes or more; ${limit}`,
    );
  }
  return { version: 1, updatedAt, envelope: seal(ring, value, context) };
}

/**
 * Opens one for use; the caller wipes it. The name is bound, so that nobody can pass one
 * secret off for another.
 *
 * @throws SecretError `secret_key_missing`, `secret_key_wrong`, `secret_damaged`
 */
export function openSecret(ring: KeyRing | undefined, name: string, sealed: SealedSecret): Buffer {
  return openEnvelope(ring, sealed.envelope, contextOf(name));
}

/** @throws SecretError `secret_key_wrong`, `secret_damaged` */
export function rewrapSecret(ring: KeyRing, name: string, sealed: SealedSecret): SealedSecret {
  return { ...sealed, envelope: rewrap(ring, sealed.envelope, contextOf(name)) };
}

/** Of the value. */
export function valueBytes({ envelope }: SealedSecret): number {
  return contentBytes(envelope);
}

export function encodeSecret(sealed: SealedSecret): Buffer {
  return Buffer.from(JSON.stringify(sealed));
}

/** @throws as `parseSecret` */
export function decodeSecret(name: string, bytes: Uint8Array): SealedSecret {
  return parseSecret(name, jsonOf(bytes));
}

/**
 * Checks the form only, for which no key is needed: for values of the store, of snapshots
 * and of bundles.
 *
 * @throws SecretError `secret_damaged`, `secret_name_invalid`
 */
export function parseSecret(name: string, value: unknown): SealedSecret {
  checkSecretName(name);
  const context = contextOf(name);
  if (!hasExactly(value, fields) || value.version !== 1) return malformed(context);
  const { version, updatedAt } = value;
  if (typeof updatedAt !== 'string' || !timestamp.test(updatedAt)) return malformed(context);
  const sealed = { version, updatedAt, envelope: parseEnvelope(value.envelope, context) } as const;
  return contentBytes(sealed.envelope) <= maximumSecretBytes ? sealed : malformed(context);
}

function jsonOf(bytes: Uint8Array): unknown {
  if (bytes.length > maximumSealedBytes) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function malformed(context: string): never {
  return fail('secret_damaged', `${context} is damaged: it is no sealed secret`);
}

function contextOf(name: string): string {
  return `secret ${name}`;
}
