import type { Head, Refusal } from '../../revisions/revision.ts';

/** Where a node learns what it is to run: the store, or its own file. */
export interface ConfigurationSource {
  /** Begins to follow. Not waited for: nobody may be there. */
  start(): void;
  /** Looks at once, whatever was noticed: an operator asked. */
  refresh(): void;
  /** Since the node knew that it runs the newest; `undefined`: nobody else could know better. */
  staleForMs(): number | undefined;
  /** What could not be built, or taken in, although it was to be run. */
  readonly refused: Refusal | undefined;
  readonly head: Head | undefined;
  /** What is wrong, a sentence each. */
  readonly troubles: readonly string[];
  close(): void;
}
