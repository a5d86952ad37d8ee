import type { Observation } from './observation.ts';
import type { Run } from './run.ts';

/** A run in a few lines: what was done to it, what its clients were told, and what is wrong. */
export function summary({ seed, faults, histories, findings, without }: Run): string {
  const observations = histories.flatMap((one) => one.observations);
  const lines = [
    `seed ${seed}: ${findings.length} findings, ${observations.length} operations, ${faults.length} faults`,
    ...faults.map(({ text }) => `  ${text}`),
    ...(without === false ? [] : [`  faults of disks left out: ${without}`]),
    `  answers: ${counted(observations.map(answerText))}`,
    `  reads: ${counted(observations.flatMap(readText))}`,
    `  local reads by the age they told: ${counted(observations.flatMap(ageText).toSorted())}`,
    ...findings.slice(0, 10).map((finding) => `  FOUND: ${finding}`),
  ];
  if (findings.length > 10) lines.push(`  and ${findings.length - 10} more`);
  return lines.join('\n');
}

/** `3 a, 1 b`, in the order in which they come first. */
export function counted(names: readonly string[]): string {
  const groups = Map.groupBy(names, (name) => name);
  return [...groups].map(([name, { length }]) => `${length} ${name}`).join(', ');
}

function answerText({ answer }: Observation): string {
  return 'code' in answer ? `${answer.type} (${answer.code})` : answer.type;
}

function readText({ action, by, answer }: Observation): string[] {
  return answer.type === 'found' ? [`${action} by ${by}`] : [];
}

function ageText({ action, answer }: Observation): string[] {
  if (action !== 'local' || answer.type !== 'found') return [];
  const { staleForMs } = answer;
  if (staleForMs === Number.POSITIVE_INFINITY) return ['unknown'];
  if (staleForMs < 100) return ['below 0.1 s'];
  if (staleForMs < 1_000) return ['below 1 s'];
  return [staleForMs < 4_000 ? 'below 4 s' : 'from 4 s'];
}
