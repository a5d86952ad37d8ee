import { cpuCase } from '../cpu-case.ts';
import { wrkFor } from '../load/wrk.ts';
import { plainSetup } from '../setup.ts';

/** As `plain`, over TLS 1.3 on connections that are kept alive. */
export const tls = cpuCase({
  name: 'tls',
  tool: 'wrk',
  limit: { atMost: 1.4 },
  setup: async (stage, originPort) => ({
    ...plainSetup(originPort),
    tls: await stage.certificate(),
  }),
  load: (stage) => {
    const wrk = wrkFor(stage, [{ host: undefined, path: '/v1/rates?base=EUR' }]);
    return (subject, seconds) => wrk(subject, { connections: 64, seconds });
  },
});
