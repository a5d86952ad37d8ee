import { createCipheriv } from 'node:crypto';
import { writeFileSync } from 'node:fs';

/**
 * Keeps keys and values out of what a crash writes.
 *
 * - Core files (core(5)): no mapping is dumped whatever the limits say, neither heap nor
 *   stacks. The setting holds for all threads and is inherited by child processes. What
 *   remains is the registers of each thread, see `overwriteRegisters`.
 * - Diagnostic reports of Node: they hold no memory, but the environment.
 *
 * Quiet where there is no such thing: other systems, or a /proc that is read-only.
 */
export function leaveSecretsOutOfCoreDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // Nothing that this process could do about it.
  }
  if (process.report) process.report.excludeEnv = true;
}

/** Long enough for the widest code that OpenSSL has: 16 blocks of 64 bytes at a time. */
const nothing = new Uint8Array(4_096);

/**
 * Overwrites what the calling thread last copied or parsed. Vector registers hold up to
 * 2 KiB (32 of 64 bytes) for as long as the thread sleeps, and copies and decoding of
 * base64 go through them: of a PEM key that was read, all of it was found in core files.
 * To be called where a key has been used. ChaCha20, unlike AES, fills all of them, its own
 * key here being zeros.
 */
export function overwriteRegisters(): void {
  const cipher = createCipheriv('chacha20', nothing.subarray(0, 32), nothing.subarray(0, 16));
  cipher.update(nothing);
  cipher.final();
}
