import type { TestEvent } from 'node:test/reporters';

interface Begun {
  readonly title: string;
  readonly parent: number | undefined;
  running: boolean;
}

/** Which tests of a file have begun and not ended, by the events of its process. */
export class Unfinished {
  readonly #tests = new Map<number, Begun>();

  get size(): number {
    return this.#tests.size;
  }

  take({ type, data }: TestEvent): void {
    if (type === 'test:enqueue') {
      const { testId, parentId, name, line } = data;
      const place = line === undefined ? '' : ` (line ${line})`;
      const before = parentId === undefined ? undefined : this.#tests.get(parentId);
      const title = before ? `${before.title.replace(/ \(line \d+\)$/, '')} › ${name}` : name;
      this.#tests.set(testId, { title: `${title}${place}`, parent: parentId, running: false });
    } else if (type === 'test:dequeue') {
      const test = this.#tests.get(data.testId);
      if (test) test.running = true;
    } else if (type === 'test:complete') {
      this.#tests.delete(data.testId);
    }
  }

  /**
   * The innermost that run; where none does, that which was to be next: a test that never
   * yields is not told to have begun.
   */
  names(): string[] {
    const tests = [...this.#tests];
    const around = new Set(tests.map(([, { parent }]) => parent));
    const inner = tests.filter(([id]) => !around.has(id)).map(([, test]) => test);
    const running = inner.filter((test) => test.running);
    return (running.length > 0 ? running : inner.slice(0, 1)).map(({ title }) => title);
  }
}
