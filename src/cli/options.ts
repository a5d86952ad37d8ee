import { type Command, InvalidArgumentError } from 'commander';

/** Where the stack keeps its state: `--state`, else MERIDIAN_STATE, else `.meridian` here. */
export const defaultStateDirectory = '.meridian';

export function addStateOption(command: Command): Command {
  return command.option(
    '--state <dir>',
    'state directory of the stack',
    parseDirectory,
    process.env.MERIDIAN_STATE || defaultStateDirectory,
  );
}

function parseDirectory(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('Expected a directory.');
}

export function addJsonOption(command: Command): Command {
  return command.option('--json', 'print JSON, for programs');
}

export interface StackOptions {
  readonly state: string;
  readonly json?: boolean;
}

/** For options that take a whole number from `least` to `most`. */
export function integerBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}
