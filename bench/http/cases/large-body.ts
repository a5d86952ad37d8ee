import { invert, type Spread } from '../../statistics.ts';
import { largeBytes, largePath } from '../bodies.ts';
import type { Amount, HttpCase, Outcome } from '../case.ts';
import { cpuCase } from '../cpu-case.ts';
import { wrkFor } from '../load/wrk.ts';
import { plainSetup } from '../setup.ts';

const cpu = cpuCase({
  name: 'large-body',
  tool: 'wrk',
  setup: (_, originPort) => ({ ...plainSetup(originPort), largeBodies: true }),
  load: (stage) => {
    const wrk = wrkFor(stage, [{ host: undefined, path: `${largePath}a` }]);
    return (subject, seconds) => wrk(subject, { connections: 16, seconds });
  },
});

/** Responses of 1 MiB on 16 connections: bytes passed on per second of CPU time. */
export const largeBody: HttpCase = { ...cpu, run };

async function run(amount: Amount): Promise<Outcome[]> {
  return (await cpu.run(amount)).map(inBytes);
}

/** What takes half the time per response passes on twice the bytes per time. */
function inBytes(outcome: Outcome): Outcome {
  const ratio = invert(outcome.ratio);
  const bytesPerCpuSecond = {
    meridian: perCpuSecond(outcome.cpuMicroseconds!.meridian),
    peer: perCpuSecond(outcome.cpuMicroseconds!.peer),
  };
  const gigabytes = (spread: Spread) => (spread.median / 1e9).toFixed(2);
  return {
    ...outcome,
    compares: 'bytes per CPU second',
    ratio,
    goals:
      outcome.peer === 'nginx' ? [{ what: 'ratio', unit: '', value: ratio, atLeast: 0.5 }] : [],
    figures: { ...outcome.figures, bytesPerCpuSecond },
    summary: `${gigabytes(bytesPerCpuSecond.meridian)} / ${gigabytes(bytesPerCpuSecond.peer)} GB per CPU second`,
  };
}

function perCpuSecond(cpuMicroseconds: Spread): Spread {
  return invert(cpuMicroseconds, largeBytes * 1e6);
}
