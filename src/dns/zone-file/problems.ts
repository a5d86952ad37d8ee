/** One thing that a zone file says wrongly (`error`), or that was changed in it (`warning`). */
export interface ZoneFileProblem {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
  readonly message: string;
}

/** Where something stands. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** Of each severity; a file that is none at all would give one for every line. */
const maximumProblems = 100;

/** What was found in the files of one zone. */
export class ZoneFileProblems {
  readonly all: ZoneFileProblem[] = [];
  #errors = 0;
  #warnings = 0;

  error({ file, line }: Place, message: string): void {
    if (this.#errors++ < maximumProblems) this.all.push({ severity: 'error', file, line, message });
  }

  warn({ file, line }: Place, message: string): void {
    if (this.#warnings++ < maximumProblems) {
      this.all.push({ severity: 'warning', file, line, message });
    }
  }

  /** So many errors that to read on would tell nothing more. */
  get isFull(): boolean {
    return this.#errors >= maximumProblems;
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }
}

/** One line for each, as compilers write them: `file:line: message`. */
export function formatProblems(problems: readonly ZoneFileProblem[]): string {
  return problems
    .map(({ severity, file, line, message }) => {
      const word = severity === 'warning' ? 'warning: ' : '';
      return `${file}:${line}: ${word}${message}`;
    })
    .join('\n');
}
