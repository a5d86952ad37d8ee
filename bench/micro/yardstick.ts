import type { MicroCase } from './micro-case.ts';
import { requestBytes } from './sample-messages.ts';

export const yardstickName = 'yardstick: the request as text, split into lines';

/**
 * What no parser of the request can do without, done by the runtime alone: how much of a
 * time is due to the machine.
 */
export const yardstick: readonly MicroCase[] = [
  {
    name: yardstickName,
    run: () => requestBytes.toString('latin1').split('\r\n'),
  },
];
