import { all, type Count, failedShare, p95Ms, type Sides } from './counts.ts';
import { type Guard, isRising, type Shift } from './shift.ts';

/** What was counted, by the nodes of all regions. */
export interface Evidence {
  /** Since the present step began. */
  readonly step: Sides;
  /** In the last while, so that a long step does not hide what has just begun. */
  readonly recent: Sides | undefined;
  /** Before the first step. */
  readonly before: Sides | undefined;
}

export type Verdict =
  /** Enough was seen, and nothing against it. */
  | { readonly kind: 'good' }
  /** Too little was seen to say anything. */
  | { readonly kind: 'few'; readonly reason: string }
  | { readonly kind: 'bad'; readonly reason: string };

/** What a duration may be longer by than a multiple of almost nothing. */
const toleranceMs = 5;

/**
 * Whether a step may be followed by the next. Pure. What is watched is the side that grows, and
 * all together; each is held against what it is fair to compare it with:
 *
 *   the side that grows  ──▶ the other side at the same time    (services, answers)
 *                            else, and of a region: itself, or all, before the first step
 *   all                  ──▶ all before the first step
 *
 * A comparison with too few requests is none: then failures of the side that grows count by
 * themselves, and nothing else does.
 */
export function judge(
  shift: Pick<Shift, 'subject' | 'from' | 'steps'>,
  guard: Guard,
  { step, recent, before }: Evidence,
): Verdict {
  for (const window of recent ? [step, recent] : [step]) {
    const { grows, other, past } = sidesOf(shift, window, before);
    const isFair = shift.subject.kind !== 'region';
    const against = isFair && isEnough(other, guard) ? other : enoughOf(past, before, guard);
    const usual = before && enoughOf(all(before), undefined, guard);
    const found =
      breach(growingSide(shift), grows, against, guard) ??
      (usual && breach('all requests', all(window), usual, guard));
    if (found !== undefined) return { kind: 'bad', reason: found };
  }
  const { grows } = sidesOf(shift, step, before);
  if (isEnough(grows, guard)) return { kind: 'good' };
  const seen = `${grows.requests} of the ${guard.minimumRequests} requests`;
  return { kind: 'few', reason: `${seen} that are needed were seen of ${growingSide(shift)}` };
}

function sidesOf(
  shift: Pick<Shift, 'from' | 'steps'>,
  { target, rest }: Sides,
  before: Sides | undefined,
): { readonly grows: Count; readonly other: Count; readonly past: Count | undefined } {
  return isRising(shift)
    ? { grows: target, other: rest, past: before?.target }
    : { grows: rest, other: target, past: before?.rest };
}

function growingSide(shift: Pick<Shift, 'subject' | 'from' | 'steps'>): string {
  if (shift.subject.kind !== 'region') return isRising(shift) ? 'the target' : 'the others';
  return isRising(shift) ? shift.subject.region : 'the other regions';
}

function enoughOf(
  own: Count | undefined,
  before: Sides | undefined,
  guard: Guard,
): Count | undefined {
  if (own && isEnough(own, guard)) return own;
  const total = before && all(before);
  return total && isEnough(total, guard) ? total : undefined;
}

/** With a minimum of 0 a single request says something, and none is enough too. */
function isEnough({ requests }: Count, { minimumRequests }: Guard): boolean {
  return requests >= minimumRequests;
}

function breach(
  what: string,
  count: Count,
  against: Count | undefined,
  guard: Guard,
): string | undefined {
  if (!isEnough(count, guard) || count.requests === 0) return undefined;
  const share = failedShare(count);
  const bound = (against ? failedShare(against) : 0) + guard.errorShare;
  if (share > bound) {
    const failed = `${count.failed} of ${count.requests} answers of ${what} were errors`;
    return `${failed} (${percent(share)}), more than ${percent(bound)}`;
  }
  const p95 = p95Ms(count);
  const usual = against && p95Ms(against);
  if (p95 === undefined || usual === undefined) return undefined;
  const longest = usual * guard.latencyFactor + toleranceMs;
  if (p95 <= longest) return undefined;
  return `95 % of ${what} took up to ${ms(p95)}, more than ${ms(longest)}; in comparison ${ms(usual)}`;
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100} %`;
}

function ms(value: number): string {
  return `${Math.round(value * 10) / 10} ms`;
}
