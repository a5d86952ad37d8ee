/**
 * `npm test [-- PATH… [--test-name-pattern=REGEXP]]`: every test of the project, or those
 * that are PATH, lie below it, or begin with it up to a dot (`test/integration/region-loss`).
 * Tests that take minutes (`test/long`) only when a PATH lies there: `npm run test:long`.
 *
 * One file more than there are cores runs at a time, as many of them wait for timers and
 * sockets; those of `test` first, which take longest. What measures times at real processes
 * runs after them and alone, so that what it measures is not the load of the others. Both make
 * one report with one set of totals.
 * What Node makes of a source file is kept for the other test files and the processes they start.
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { spec, type TestEvent } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { TestFile } from './test-file.ts';
import { Totals } from './totals.ts';

const root = resolve(import.meta.dirname, '../..');
const alone = /^test\/(long\/|integration\/(exclusive|region-loss|service-loss)\.)/;
const long = /^test\/long(\/|$)/;
/** A file that takes longer hangs. REPEAT, OUTAGE_SECONDS, SOAK_MINUTES ask for the long form of some. */
const fileTimeoutMs =
  240_000 * Number(process.env.REPEAT ?? 1) +
  1_000 * Number(process.env.OUTAGE_SECONDS ?? 0) +
  120_000 * Number(process.env.SOAK_MINUTES ?? 0);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'test-name-pattern': { type: 'string', multiple: true, default: [] } },
});

const files = globSync('{src,test,examples}/**/*.test.ts', { cwd: root })
  .filter((file) =>
    positionals.length === 0 ? !long.test(file) : positionals.some((path) => isUnder(file, path)),
  )
  .sort()
  .reverse();
if (files.length === 0) {
  console.error(`no test file matches ${positionals.join(' ')}`);
  process.exit(1);
}

process.env.NODE_COMPILE_CACHE ??= resolve(root, 'node_modules/.cache/compiled');
const report = new spec();
report.pipe(process.stdout);
const totals = new Totals();
const stop = new AbortController();
const options = {
  timeoutMs: fileTimeoutMs,
  namePatterns: values['test-name-pattern'],
  signal: stop.signal,
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => stop.abort());
}
await runFiles(
  files.filter((file) => !alone.test(file)),
  availableParallelism() + 1,
);
await runFiles(
  files.filter((file) => alone.test(file)),
  1,
);
for (const event of totals.closing()) report.write(event);
report.end();
await finished(report);
process.stdout.write(totals.leftOut());
process.exitCode = totals.success && !stop.signal.aborted ? 0 : 1;

/** What a file tells is shown at once where it runs alone, else when it has ended. */
async function runFiles(group: readonly string[], concurrency: number): Promise<void> {
  const waiting = group.values();
  const lanes = Array.from({ length: concurrency }, async () => {
    for (const file of waiting) {
      if (stop.signal.aborted) return;
      const events: TestEvent[] = [];
      const onEvent = concurrency === 1 ? show : (event: TestEvent) => events.push(event);
      await new TestFile(root, file, { ...options, onEvent }).run();
      events.forEach(show);
    }
  });
  await Promise.all(lanes);
}

function show(event: TestEvent): void {
  if (!totals.take(event)) report.write(event);
}

/** What takes minutes is under a path of its own only. */
function isUnder(file: string, path: string): boolean {
  const wanted = relative(root, resolve(path));
  if (long.test(file) && !long.test(wanted)) return false;
  if (wanted === '' || file === wanted) return true;
  return file.startsWith(`${wanted}/`) || file.startsWith(`${wanted}.`);
}
