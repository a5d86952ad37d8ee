import { InvalidArgumentError } from 'commander';
import { parseDuration, parseShare } from './inputs.ts';

/** What a guard is asked for; `undefined`: as it is by default. */
export interface GuardOptions {
  errorShare?: number;
  latencyFactor?: number;
  minimumRequests?: number;
  onBreach?: 'pause' | 'abort';
}

/** `1,5,25,50,100` → percentages. */
export function parseSteps(text: string): number[] {
  const steps = text.split(',').map((step) => step.trim().replace(/%$/, ''));
  if (steps.every((step) => /^\d{1,3}(\.\d{1,2})?$/.test(step) && Number(step) <= 100)) {
    return steps.map(Number);
  }
  throw new InvalidArgumentError('Expected shares in percent, such as 1,5,25,50,100.');
}

const guardForm = 'Expected "off", or some of errors=2%, latency=2, requests=100, then=abort.';

/** `off`; or `errors=1%,latency=1.5,requests=50,then=abort` → what it says. */
export function parseGuard(text: string): GuardOptions | 'off' {
  if (text === 'off') return text;
  const guard: GuardOptions = {};
  for (const part of text.split(',')) {
    const [name = '', value = '', ...rest] = part.trim().split('=');
    if (rest.length > 0 || !readGuardPart(guard, name, value)) {
      throw new InvalidArgumentError(guardForm);
    }
  }
  return guard;
}

function readGuardPart(guard: GuardOptions, name: string, value: string): boolean {
  if (name === 'errors') guard.errorShare = parseShare(value);
  else if (name === 'latency' && /^\d{1,3}(\.\d{1,3})?$/.test(value) && Number(value) >= 1) {
    guard.latencyFactor = Number(value);
  } else if (name === 'requests' && /^\d{1,9}$/.test(value)) guard.minimumRequests = Number(value);
  else if (name === 'then' && (value === 'pause' || value === 'abort')) guard.onBreach = value;
  else return false;
  return true;
}

/** In UTC too a year has four digits. */
const firstMs = Date.parse('0000-01-01T00:00:00Z');
const lastMs = Date.parse('9999-12-31T23:59:59.999Z');

/** ISO 8601 with a zone, or `+10m` from now. → ISO 8601 in UTC. */
export function parseTime(text: string, nowMs = Date.now()): string {
  if (text.startsWith('+')) return new Date(nowMs + parseDuration(text.slice(1))).toISOString();
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;
  const atMs = form.test(text) ? Date.parse(text) : Number.NaN;
  if (atMs >= firstMs && atMs <= lastMs) return new Date(atMs).toISOString();
  throw new InvalidArgumentError('Expected a time such as 2026-03-01T04:00:00Z, or +10m.');
}
