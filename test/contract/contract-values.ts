import assert from 'node:assert/strict';
import { isStoreError, type StoreErrorCode } from '../../src/store/errors.ts';
import type { Store, WatchEvent } from '../../src/store/store.ts';

/** Two clients of one store, once there are. */
export type Stores = () => { near: Store; far: Store };

export async function rejects(promise: Promise<unknown>, code: StoreErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isStoreError(error, code), `expected ${code}, got ${error}`);
    return true;
  });
}

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function text(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}

/** `key=value`, `-key` or `caughtUp`. */
export function show(event: WatchEvent): string {
  if (event.type === 'caughtUp') return event.type;
  return event.type === 'delete' ? `-${event.key}` : `${event.key}=${text(event.value)}`;
}

/** Bytes that differ along their way and begin with `seed`. */
export function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i === 0 ? seed : (i * 31 + seed * 7) & 0xff));
}
