/** Work that takes long: between its steps others may go first. It may be ended early by `return()`. */
export type Steps<Result> = Generator<undefined, Result, undefined>;

/** Does all of it now. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * Does it in slices of at most `sliceMs` and a step; in between the event loop goes round.
 *
 * @param goesOn asked before each slice but the first: throws when the work is not wanted any more
 */
export async function inSlices<Result>(
  steps: Steps<Result>,
  sliceMs: number,
  goesOn: () => void = () => {},
): Promise<Result> {
  try {
    for (;;) {
      const endMs = performance.now() + sliceMs;
      do {
        const step = steps.next();
        if (step.done) return step.value;
      } while (performance.now() < endMs);
      await new Promise((resolve) => setImmediate(resolve));
      goesOn();
    }
  } catch (error) {
    steps.return(undefined as never);
    throw error;
  }
}
