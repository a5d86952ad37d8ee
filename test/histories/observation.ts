/** What a client did and was told, with what only the judge of local reads and versions needs. */
export interface Observation {
  readonly key: string;
  readonly client: string;
  readonly action: 'put' | 'create' | 'replace' | 'delete' | 'strong' | 'local';
  /** Of reads: alone, with others at once, or in a list. */
  readonly by?: 'get' | 'batch' | 'list' | undefined;
  /** Written; `undefined` of reads and deletions. */
  readonly value: string | undefined;
  /** That `replace` was to replace, by its version. */
  readonly expected: string | undefined;
  /** By the machine's monotonic clock, the same in all processes. */
  readonly calledAtMs: number;
  readonly answeredAtMs: number;
  readonly answer: Answer;
}

export type Call = Omit<Observation, 'answeredAtMs' | 'answer'>;

export type Answer =
  | {
      readonly type: 'found';
      readonly value: string | undefined;
      readonly version: string | undefined;
      readonly staleForMs: number;
    }
  | { readonly type: 'done'; readonly version: string | undefined }
  /** The condition did not hold. */
  | { readonly type: 'refused' }
  /** Nothing happened, for sure. */
  | { readonly type: 'none'; readonly code: string }
  | { readonly type: 'unknown'; readonly code: string };

/** One version that a watch told of. */
export interface Told {
  readonly key: string;
  /** `undefined`: it has none any more. */
  readonly value: string | undefined;
  readonly version: string;
}

/** What a process of clients saw in its life. */
export interface ProcessHistory {
  readonly name: string;
  readonly observations: readonly Observation[];
  /** In the order in which it was told. */
  readonly told: readonly Told[];
  /** Why its watch ended, which none does by itself. */
  readonly watchEnded?: string | undefined;
}
