import { writeSync } from 'node:fs';
import { type Readable, Transform } from 'node:stream';
import { inspect } from 'node:util';

/** Where the process of a test file tells its runner what happens: a line of JSON each. */
export const eventsFd = 3;

/** How it tells of an error: errors do not survive JSON. */
export interface ToldError {
  readonly code: unknown;
  readonly failureType: unknown;
  /** As `inspect` shows the cause. */
  readonly text: string;
}

const told = 'enqueue dequeue complete start pass fail plan diagnostic summary'.split(' ');

/**
 * The reporter of a test file's process. It listens to the events themselves: what comes
 * through a stream comes later, and never when a test never yields or ends the process.
 */
const reporter = new Transform({
  writableObjectMode: true,
  transform: (_event, _encoding, done) => done(),
});
reporter.once('pipe', (events: Readable) => {
  for (const type of told.map((name) => `test:${name}`)) {
    events.on(type, (data: unknown) => {
      writeSync(eventsFd, `${JSON.stringify({ type, data }, withErrorAsText)}\n`);
    });
  }
});
export default reporter;

function withErrorAsText(key: string, value: unknown): unknown {
  if (key !== 'error' || !(value instanceof Error)) return value;
  const { code, failureType, cause } = value as Error & Record<'code' | 'failureType', unknown>;
  return { code, failureType, text: inspect(cause ?? value) } satisfies ToldError;
}
