import { cpuCase } from '../cpu-case.ts';
import { wrkFor } from '../load/wrk.ts';
import { plainSetup } from '../setup.ts';

/** HTTP/1.1 on 64 connections, responses of 130 bytes, nothing but what a proxy has to do. */
export const plain = cpuCase({
  name: 'plain',
  tool: 'wrk',
  limit: { atMost: 1.25 },
  setup: (_, originPort) => plainSetup(originPort),
  load: (stage) => {
    const wrk = wrkFor(stage, [{ host: undefined, path: '/v1/rates?base=EUR' }]);
    return (subject, seconds) => wrk(subject, { connections: 64, seconds });
  },
});
