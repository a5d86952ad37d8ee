/**
 * `npm test [-- PATH… [--test-name-pattern=REGEXP]]`: every test of the project, or those
 * that are PATH, lie below it, or begin with it up to a dot (`test/integration/region-loss`).
 * Tests that take minutes (`test/long`) only when a PATH lies there: `npm run test:long`.
 *
 * One file more than there are cores runs at a time, as many of them wait for timers and
 * sockets; those of `test` first, which take longest. Of files that start whole deployments one
 * runs at a time beside others: two would wait for each other. What measures times at real
 * processes runs after them and alone, so that what it measures is not the load of the others.
 * All make one report with one set of totals.
 *
 *   lane 1   deployments, one by one ─▶ others ─▶ ┐
 *   lane 2   others ────────────────────────────▶ ├─ alone, one by one ─▶ totals
 *   lane 3   others ────────────────────────────▶ ┘
 *
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
/**
 * Start whole deployments, and measure no times at them. Histories unmount disks, which a mount
 * namespace of another test would hold: that of the browser is here too, so never beside them.
 */
const deployments =
  /^(test\/integration\/(?!exclusive|region-loss)|test\/long\/(async|browser|data|histories|mirror|planted-secrets|traffic|zone)|src\/cli\/stack-commands\.)/;
/** Start none, or servers of a moment. */
const others = /^test\/long\/(dns|planted-bugs)/;
const alone = /^test\/(integration|long)\//;
const long = /^test\/long(\/|$)/;
/** A file that takes longer hangs. REPEAT, OUTAGE_SECONDS, SOAK_MINUTES ask for the long form of some. */
const fileTimeoutMs =
  480_000 * Number(process.env.REPEAT ?? 1) +
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
const took: { readonly file: string; readonly seconds: number }[] = [];
const stop = new AbortController();
const options = {
  timeoutMs: fileTimeoutMs,
  namePatterns: values['test-name-pattern'],
  signal: stop.signal,
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => stop.abort());
}
const kinds = Object.groupBy(files, kindOf);
const deploymentsLeft = (kinds.deployments ?? []).values();
const othersLeft = (kinds.others ?? []).values();
await Promise.all([
  runFiles(inTurn(deploymentsLeft, othersLeft)),
  ...Array.from({ length: availableParallelism() }, () => runFiles(othersLeft)),
]);
await runFiles(kinds.alone ?? [], show);
for (const event of totals.closing()) report.write(event);
report.end();
await finished(report);
process.stdout.write(longest() + totals.leftOut());
process.exitCode = totals.success && !stop.signal.aborted ? 0 : 1;

function kindOf(file: string): 'alone' | 'deployments' | 'others' {
  if (deployments.test(file)) return 'deployments';
  return alone.test(file) && !others.test(file) ? 'alone' : 'others';
}

function* inTurn(...lists: readonly Iterable<string>[]): Generator<string> {
  for (const list of lists) yield* list;
}

/** One after the other. What a file tells is shown when it has ended, unless it may be at once. */
async function runFiles(waiting: Iterable<string>, atOnce?: typeof show): Promise<void> {
  for (const file of waiting) {
    if (stop.signal.aborted) return;
    const events: TestEvent[] = [];
    const onEvent = atOnce ?? ((event) => events.push(event));
    const startedMs = performance.now();
    await new TestFile(root, file, { ...options, onEvent }).run();
    took.push({ file, seconds: (performance.now() - startedMs) / 1_000 });
    events.forEach(show);
  }
}

/** Where the time of a long run went. */
function longest(): string {
  if (files.length < 20) return '';
  const lines = took
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 20)
    .map(({ file, seconds }) => `  ${seconds.toFixed(1).padStart(6)} s  ${file}`);
  return `\nLongest files:\n${lines.join('\n')}\n`;
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
