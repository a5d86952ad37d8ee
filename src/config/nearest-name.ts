/**
 * The known name that `given` most likely meant, or `undefined` where none is near:
 * at most one edit in three characters and never more than three edits, else the only
 * name that begins with `given`, or the one with which all of them begin.
 */
export function nearestName(given: string, known: Iterable<string>): string | undefined {
  const names = [...known];
  return nearestByEdits(given, names) ?? onlyCompletion(given, names);
}

function onlyCompletion(given: string, known: readonly string[]): string | undefined {
  const completions = known.filter((name) => name.startsWith(given));
  const [shortest] = completions.toSorted((a, b) => a.length - b.length);
  if (given.length < 2 || shortest === undefined) return undefined;
  return completions.every((name) => name.startsWith(shortest)) ? shortest : undefined;
}

function nearestByEdits(given: string, known: readonly string[]): string | undefined {
  const wanted = given.toLowerCase();
  let limit = Math.min(3, Math.max(1, Math.floor(given.length / 3)));
  let nearest: string | undefined;
  for (const name of known) {
    if (Math.abs(name.length - wanted.length) > limit) continue;
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance > limit || (nearest !== undefined && distance === limit)) continue;
    nearest = name;
    limit = distance;
    if (distance === 0) break;
  }
  return nearest;
}

/**
 * Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
 * (optimal string alignment). Three rows of the usual table are kept.
 */
export function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let old = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        old[column]! + 1,
        current[column - 1]! + 1,
        old[column - 1]! + (same ? 0 : 1),
      );
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (row > 1 && column > 1 && swapped) best = Math.min(best, older[column - 2]! + 1);
      current.push(best);
    }
    older = old;
    old = current;
  }
  return old[b.length]!;
}
