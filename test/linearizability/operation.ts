/**
 * What a client of one key did and was told. Values are unique: no two writes of a history
 * write the same one, and `undefined` is no value (a deletion).
 *
 * This folder knows nothing of `src/`: it judges what clients saw, by no rule of the store's.
 */
export type Action =
  | { readonly type: 'write'; readonly value: string | undefined }
  /** `got` is what it was told. */
  | { readonly type: 'read'; readonly got: string | undefined }
  /** Writes where the key has the value `expected`; `done` is what it was told. */
  | {
      readonly type: 'compareAndSet';
      readonly expected: string | undefined;
      readonly value: string | undefined;
      readonly done: boolean;
    };

export interface Operation {
  readonly key: string;
  readonly client: string;
  readonly action: Action;
  /** By one clock for all clients. */
  readonly calledAtMs: number;
  /**
   * `undefined`: no answer, or one that says that it is not known. A write that has none may
   * have happened at any time since, may happen later, or never; a read counts for nothing.
   */
  readonly answeredAtMs: number | undefined;
}
