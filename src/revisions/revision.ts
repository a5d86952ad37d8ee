/** A revision by its two names. */
export interface RevisionRef {
  /** 1, 2, 3, …: rises with every revision that was accepted. */
  readonly sequence: number;
  /** Content hash of the configuration (`LoadedConfig.revision`), hexadecimal. */
  readonly hash: string;
}

/** One accepted configuration, without its content. */
export interface RevisionInfo extends RevisionRef {
  /** SOA serial of the zones: seconds since 1970, and always more than that of the one before. */
  readonly serial: number;
  /** ISO 8601, by the clock of the node that accepted it. */
  readonly appliedAt: string;
  /** Who, in their own words: `ana@laptop`. */
  readonly author: string;
  /** Why, in their own words; may be empty. */
  readonly message: string;
  readonly kind: 'apply' | 'rollback' | 'seed';
  /** What it was compared with; `undefined`: the first. */
  readonly base: RevisionRef | undefined;
  /** For `rollback`: the sequence whose content came back. */
  readonly restores: number | undefined;
  /** For `seed`: the event that it stands for; the same event seeds once. */
  readonly seed: string | undefined;
  /** Where the content is: parts of the gzipped JSON document in the bucket `config`. */
  readonly content: ContentRef;
  /** Names the request that made it, so that one sent again finds its own revision. */
  readonly change?: string | undefined;
}

export interface ContentRef {
  readonly nonce: string;
  readonly parts: number;
  readonly bytes: number;
  /** Of the gzipped bytes. */
  readonly sha256: string;
}

export interface Revision {
  readonly info: RevisionInfo;
  /** The configuration as written (`ConfigInput`), not validated: it came from the store. */
  readonly document: unknown;
}

/** What breaks a rollout: it is then rolled back by itself. */
export interface RolloutBounds {
  /** Largest share of answers with status 5xx, 0 to 1, of a wave since it got the revision. */
  readonly errorShare: number;
  /** Smallest share of the nodes of a wave that are ready and run the revision, 0 to 1. */
  readonly readyShare: number;
}

/**
 * How a revision reaches the regions, wave by wave:
 *
 *   wave 1 ─ pause, bounds hold ─▶ wave 2 ─ pause, bounds hold ─▶ … ─▶ done
 *      │ a bound breaks               │
 *      └──────────────┬───────────────┘
 *                     ▼
 *             rolledBack: all regions run the revision before
 */
export interface Rollout {
  /** Names of regions; together all of them, each once. */
  readonly waves: readonly (readonly string[])[];
  /** How many waves have been told to run the revision: 1 to `waves.length`. */
  readonly reached: number;
  readonly pauseMs: number;
  readonly bounds: RolloutBounds;
  readonly state: 'running' | 'done' | 'rolledBack';
  /** Why it stands where it stands, for people. */
  readonly reason: string;
  /** Requests that each node (`REGION.NODE`) had answered when the present wave began. */
  readonly baseline: Readonly<Record<string, TrafficCount>>;
}

/** Since the node started. */
export interface TrafficCount {
  readonly requests: number;
  /** Answered with status 5xx. */
  readonly failed: number;
  /** ISO 8601: when the node started; counts of another start are not compared. */
  readonly startedAt: string;
}

/**
 * Key `head.json` of the bucket `config`, replaced by compare-and-set only: the one place that
 * says which revision a region is to run.
 */
export interface Head {
  readonly version: 1;
  readonly current: RevisionInfo;
  /** What regions run that the rollout has not reached, and all after it was rolled back. */
  readonly previous: RevisionInfo | undefined;
  readonly rollout: Rollout | undefined;
}

/** The revision that a region is to run. */
export function desiredRevision(head: Head, region: string): RevisionInfo {
  const { current, previous, rollout } = head;
  if (!rollout || !previous || rollout.state === 'done') return current;
  if (rollout.state === 'rolledBack') return previous;
  const reached = rollout.waves.slice(0, rollout.reached);
  return reached.some((wave) => wave.includes(region)) ? current : previous;
}

/** What a node tells of the revision that it was to run: key `REGION.NODE` of the bucket `acks`. */
export interface Acknowledgement {
  readonly version: 1;
  readonly region: string;
  readonly node: string;
  /** What it serves; `undefined` sequence 0: a file or nothing from the store. */
  readonly running: RevisionRef;
  /** From hearing of it to serving it, by its own clock. */
  readonly durationMs: number;
  /** The newest revision that it could not build, while it was told to run it. */
  readonly refused: Refusal | undefined;
  /** What of `running` takes effect at the next start of the node only, a sentence each. */
  readonly pendingRestart: readonly string[];
  /** ISO 8601. */
  readonly at: string;
  /** The configuration file that the node was started with, as it is on the disk now. */
  readonly localFile?: LocalFile | undefined;
}

export interface LocalFile {
  /** Absolute. */
  readonly path: string;
  /** Content hash, as that of a revision. */
  readonly hash: string;
}

export interface Refusal extends RevisionRef {
  readonly code: string;
  /** For people: what could not be built, and where. */
  readonly reason: string;
}
