import { fileRefusal } from '../region/start/file-refusal.ts';
import type { Observer } from './missing.ts';
import type { ReadinessView } from './readiness.ts';

/** Nodes that refused the file of `up`, for one reason, and serve what they had before. */
export interface FileRefusal {
  /** By their titles. */
  readonly nodes: readonly string[];
  readonly reason: string;
  /** Sequence 0: it was a file, too. */
  readonly running: { readonly sequence: number; readonly hash: string };
}

type Told = Pick<ReadinessView, 'revision' | 'degraded'>;

export function fileRefusalsOf(seen: readonly (readonly [Observer, Told])[]): FileRefusal[] {
  const each = seen.flatMap(([{ title }, { revision }]): FileRefusal[] => {
    const { fileRefused: reason, sequence, hash } = revision;
    return reason === undefined ? [] : [{ nodes: [title], reason, running: { sequence, hash } }];
  });
  const alike = Map.groupBy(each, ({ reason, running }) => `${running.hash} ${reason}`);
  return [...alike.values()].map((same) => {
    return { ...same[0]!, nodes: same.flatMap(({ nodes }) => nodes) };
  });
}

/** What else a node says does not work as it should. */
export function otherTroubles({ revision, degraded }: Told): readonly string[] {
  const { fileRefused } = revision;
  if (fileRefused === undefined) return degraded;
  return degraded.filter((sentence) => sentence !== fileRefusal(fileRefused));
}
