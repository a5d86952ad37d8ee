import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

const counted = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo'] as const;
type Counted = (typeof counted)[number];

/** Sums what several runs of node:test report at their ends, and keeps what was skipped. */
export class Totals {
  readonly #counts: Record<Counted, number> = {
    tests: 0,
    suites: 0,
    pass: 0,
    fail: 0,
    cancelled: 0,
    skipped: 0,
    todo: 0,
  };
  readonly #skips: { readonly reason: string; readonly test: string }[] = [];
  #durationMs = 0;
  #success = true;

  /** False once any test or file failed, or when nothing ran at all. */
  get success(): boolean {
    return this.#success && this.#counts.tests > 0;
  }

  /** Takes note of an event. True for those that close one run, which must not be shown. */
  take(event: TestEvent): boolean {
    if (event.type === 'test:fail' && event.data.todo === undefined) this.#success = false;
    if (event.type === 'test:pass' && event.data.skip) {
      const { skip, name, file } = event.data;
      const test = `${file ? relative(process.cwd(), file) : ''} › ${name}`;
      this.#skips.push({ reason: typeof skip === 'string' ? skip : 'no reason given', test });
    }
    if (event.type === 'test:summary') {
      if (event.data.file === undefined) this.#add(event.data);
      return true;
    }
    if (event.type !== 'test:diagnostic' || event.data.file !== undefined) return false;
    const name = event.data.message.split(' ')[0];
    return name === 'duration_ms' || counted.some((count) => count === name);
  }

  /** The lines with which node:test would close one run over everything. */
  closing(): TestEvent[] {
    const lines = counted.map((name) => `${name} ${this.#counts[name]}`);
    return [...lines, `duration_ms ${this.#durationMs.toFixed(0)}`].map((message) => ({
      type: 'test:diagnostic',
      data: { nesting: 0, message, level: 'info' } as Extract<
        TestEvent,
        { type: 'test:diagnostic' }
      >['data'],
    }));
  }

  /** What was skipped, by reason, for the end of the report; empty when nothing was. */
  leftOut(): string {
    if (this.#skips.length === 0) return '';
    const byReason = Map.groupBy(this.#skips, ({ reason }) => reason);
    const lines = [...byReason].flatMap(([reason, skips]) => [
      `  ${reason}`,
      ...skips.map(({ test }) => `    ${test}`),
    ]);
    return `\nLeft out:\n${lines.join('\n')}\n`;
  }

  #add(summary: Extract<TestEvent, { type: 'test:summary' }>['data']): void {
    const { counts, duration_ms, success } = summary;
    // The types of Node leave out `failed`, which is there.
    const { failed = 0 } = counts as { failed?: number };
    const named = { ...counts, pass: counts.passed, fail: failed };
    for (const name of counted) this.#counts[name] += named[name];
    this.#durationMs += duration_ms;
    this.#success &&= success;
  }
}
