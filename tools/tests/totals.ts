import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

const counted = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo'] as const;
type Counted = (typeof counted)[number];
const closingLine = new RegExp(`^(${counted.join('|')}|duration_ms) [\\d.]+$`);

/** Counts the tests of several processes as node:test counts those of one, and keeps what was skipped. */
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
  readonly #startedAtMs = performance.now();
  #success = true;

  /** False once any test or file failed, or when nothing ran at all. */
  get success(): boolean {
    return this.#success && this.#counts.tests > 0;
  }

  /** Takes note of an event. True for those that close one process, which must not be shown. */
  take(event: TestEvent): boolean {
    if (event.type === 'test:pass' || event.type === 'test:fail') this.#count(event);
    if (event.type === 'test:summary') return true;
    if (event.type !== 'test:diagnostic' || event.data.nesting > 0) return false;
    return closingLine.test(event.data.message);
  }

  /** The lines with which node:test would close one run over everything. */
  closing(): TestEvent[] {
    const lines = counted.map((name) => `${name} ${this.#counts[name]}`);
    return [...lines, `duration_ms ${(performance.now() - this.#startedAtMs).toFixed(0)}`].map(
      (message) => ({
        type: 'test:diagnostic',
        data: { nesting: 0, message, level: 'info' } as Extract<
          TestEvent,
          { type: 'test:diagnostic' }
        >['data'],
      }),
    );
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

  #count({ type, data }: Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>): void {
    const passed = type === 'test:pass';
    if (!passed && data.todo === undefined) this.#success = false;
    const { skip, name, file } = data;
    if (skip !== undefined && skip !== false) {
      const test = `${file ? relative(process.cwd(), file) : ''} › ${name}`;
      this.#skips.push({ reason: typeof skip === 'string' ? skip : 'no reason given', test });
    }
    if (data.details.type === 'suite') {
      this.#counts.suites++;
      return;
    }
    this.#counts.tests++;
    if (skip !== undefined && skip !== false) this.#counts.skipped++;
    else if (data.todo !== undefined) this.#counts.todo++;
    else if (passed) this.#counts.pass++;
    else if (wasCancelled(data.details)) this.#counts.cancelled++;
    else this.#counts.fail++;
  }
}

function wasCancelled(details: { readonly error?: unknown }): boolean {
  const { failureType } = (details.error ?? {}) as { failureType?: unknown };
  return failureType === 'cancelledByParent' || failureType === 'testAborted';
}
