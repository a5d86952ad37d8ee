import { cpuCase } from '../cpu-case.ts';
import { targetsOf } from '../load/load-result.ts';
import { wrkFor } from '../load/wrk.ts';
import { manyRoutes, plainSetup } from '../setup.ts';

/** As `plain`, with 1,000 routes that are asked in turn, an access log and header transformation. */
export const features = cpuCase({
  name: 'features',
  tool: 'wrk',
  setup: (_, originPort) => ({
    ...plainSetup(originPort),
    routes: manyRoutes(1_000),
    accessLog: true,
    transforms: true,
  }),
  load: (stage, { routes }) => {
    const wrk = wrkFor(stage, targetsOf(routes));
    return (subject, seconds) => wrk(subject, { connections: 64, seconds });
  },
});
