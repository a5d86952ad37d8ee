import { styleText } from 'node:util';
import { MeridianError, messageOf } from '../base/errors.ts';

type Style = Parameters<typeof styleText>[0];

/** Colour where a person reads: not into a file or pipe, and not against NO_COLOR. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** What was typed is wrong: as `printError`, with the code `usage`. */
export function printUsageError(message: string, asJson: boolean): void {
  if (asJson) printJson({ error: { code: 'usage', message } });
  else process.stderr.write(`meridian: ${message}\n`);
}

/** One sentence on stderr, or with `--json` an object on stdout; never a stack trace unasked. */
export function printError(error: unknown, asJson: boolean): void {
  if (asJson) {
    const { code, details } = error instanceof MeridianError ? error : { code: 'internal_error' };
    printJson({ error: { code, message: messageOf(error), ...(details && { details }) } });
  } else {
    process.stderr.write(`meridian: ${messageOf(error)}\n`);
  }
  if (process.env.MERIDIAN_DEBUG && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ''}\n`);
    if (error.cause) process.stderr.write(`caused by: ${String(error.cause)}\n`);
  }
}

/** `1 region`, `2 regions`. */
export function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun}${noun.endsWith('s') ? 'es' : 's'}`;
}

const escapes = /\u001b\[[0-9;]*m/g;

function visibleLength(text: string): number {
  return text.replace(escapes, '').length;
}

/**
 * Rows of cells as aligned columns, two spaces apart, under a heading when one is given.
 * Cells may hold colours.
 */
export function table(rows: readonly (readonly string[])[], heading?: readonly string[]): string {
  const dimmed = heading?.map((cell) => styled('dim', cell));
  const all = dimmed ? [dimmed, ...rows] : rows;
  const widths: number[] = [];
  for (const row of all) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, visibleLength(cell));
    }
  }
  return all
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - visibleLength(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A state in the colour that people expect. */
export function colouredState(state: string): string {
  if (state === 'healthy' || state === 'running') return styled('green', state);
  if (state === 'unhealthy' || state === 'stopped') return styled('red', state);
  return styled('yellow', state);
}

/** `8 s`, `3 min`, `2 h 5 min`, `4 d`. */
export function formatAge(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds >= 3 * 86_400) return `${Math.floor(seconds / 86_400)} d`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
