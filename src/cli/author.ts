import { hostname, userInfo } from 'node:os';
import type { Command } from 'commander';

export interface AuthorOptions {
  readonly author: string;
  readonly message: string;
}

/** Who makes a change, and why. */
export function addAuthorOptions(command: Command): Command {
  return command
    .option('--message <text>', 'why, for the history', '')
    .option('--author <name>', 'who, for the history', currentAuthor());
}

/** `ana@laptop`. */
export function currentAuthor(): string {
  return `${userName()}@${hostname()}`;
}

/** A container may run as a user that nobody has named. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER || `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
