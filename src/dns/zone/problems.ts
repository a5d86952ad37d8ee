import { messageOf } from '../../base/errors.ts';
import { DnsError } from '../errors.ts';

/** One thing that is wrong in the configured zones. */
export interface ZoneProblem {
  /** Field path: `zones["exchange.test"].records[3].values[0]`. */
  readonly path: string;
  readonly message: string;
  /** Where it stands in a zone file; lines count from 1. */
  readonly file?: string;
  readonly line?: number;
}

/** Gathers everything that is wrong, so that an operator sees all of it at once. */
export class ZoneProblems {
  readonly #found: ZoneProblem[] = [];
  readonly #warnings: string[] = [];

  /** What can be served all the same, a sentence each. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  warn(path: string, message: string): void {
    this.#warnings.push(`${path}: ${message}`);
  }

  add(
    path: string,
    message: string,
    place?: { readonly file: string; readonly line: number },
  ): void {
    this.#found.push({ path, message, ...place });
  }

  /** Runs `step`; what it throws becomes a problem at `path` and the result `undefined`. */
  attempt<T>(path: string, step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof DnsError)) throw error;
      this.add(path, messageOf(error));
      return undefined;
    }
  }

  /** Throws `bad_zone` when there is any. */
  throwIfAny(): void {
    if (this.#found.length === 0) return;
    const lines = this.#found.map(({ path, message, file, line }) =>
      file === undefined ? `${path}: ${message}` : `${file}:${line}: ${path}: ${message}`,
    );
    throw new DnsError('bad_zone', lines.join('\n'), { details: { problems: this.#found } });
  }
}
