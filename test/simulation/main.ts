// npm run simulate: random schedules of faults, by hand and for long.
import { parseArgs } from 'node:util';
import { firstFinding, report } from './schedules/try-schedules.ts';

const usage = `usage: npm run simulate -- [--schedules N] [--from SEED] | --seed SEED

  --schedules N   how many random schedules: 10,000, a few minutes
  --from SEED     of the first: 1
  --seed SEED     that one only; all that its nodes decide is printed when it fails`;

const progressEvery = 1_000;

function main(): void {
  const { values } = parseArgs({
    options: {
      schedules: { type: 'string', default: '10000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const first = wholeNumber(values.seed ?? values.from);
  const count = values.seed === undefined ? wholeNumber(values.schedules) : 1;
  const startedMs = performance.now();
  for (let done = 0; done < count; ) {
    const some = Math.min(progressEvery, count - done);
    const seeds = Array.from({ length: some }, (_, i) => first + done + i);
    const finding = firstFinding(seeds);
    if (finding) {
      console.error(report(finding));
      process.exitCode = 1;
      return;
    }
    done += some;
    const seconds = (performance.now() - startedMs) / 1_000;
    console.log(
      `${done} schedules, seeds ${first} to ${first + done - 1}: ${seconds.toFixed(0)} s`,
    );
  }
  console.log('no invariant was broken');
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(usage);
  return value;
}

main();
