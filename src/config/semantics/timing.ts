import type { FieldPath } from '../field-path.ts';
import type { CheckTiming } from '../schema/check.ts';
import { formatDuration } from '../schema/units.ts';
import type { Rule } from './rule.ts';

export const timingsArePossible: Rule = ({ health, services, checks }, report) => {
  const check = (path: FieldPath, timing: CheckTiming) => {
    const { interval, connectTimeout, firstByteTimeout = 0, timeout } = timing;
    if (connectTimeout > timeout) {
      const message = `${formatDuration(connectTimeout)} to connect is more than the ${formatDuration(timeout)} of the whole probe (\`timeout\`)`;
      report({ path: [...path, 'connectTimeout'], at: 'value', message });
    }
    if (firstByteTimeout > timeout) {
      const message = `${formatDuration(firstByteTimeout)} to the first byte is more than the ${formatDuration(timeout)} of the whole probe (\`timeout\`)`;
      report({ path: [...path, 'firstByteTimeout'], at: 'value', message });
    }
    const freshFor = freshnessMs(interval);
    if (timeout > freshFor) {
      const message = `a verdict that takes ${formatDuration(timeout)} is stale before it is there: with an interval of ${formatDuration(interval)} it must come within ${formatDuration(freshFor)}`;
      report({ path: [...path, 'timeout'], at: 'value', message });
    }
  };
  if (health) check(['health'], health);
  for (const [name, service] of services) {
    if (service) check(['services', name, 'check'], service.check);
  }
  for (const [name, named] of checks) {
    if (named && 'interval' in named) check(['checks', name], named);
  }
};

/** For how long a verdict counts after it was heard. */
function freshnessMs(intervalMs: number): number {
  return Math.max(3 * intervalMs, 2_000);
}
