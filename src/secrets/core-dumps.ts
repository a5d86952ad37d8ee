import { writeFileSync } from 'node:fs';

/**
 * Keeps keys and values out of what a crash writes.
 *
 * - Core files (core(5)): no mapping is dumped whatever the limits say, neither heap nor
 *   stacks. The setting holds for all threads and is inherited by child processes. What
 *   remains is the registers of each thread.
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
