import type { FieldPath } from '../field-path.ts';
import type { CheckConfig } from '../schema/check.ts';
import type { NamedCheckConfig } from '../schema/named-check.ts';
import type { Rule } from './rule.ts';

type Report = Parameters<Rule>[1];
type Checks = Parameters<Rule>[0]['checks'];

/** What the fields of one check say together. */
export const probesArePossible: Rule = ({ services, checks }, report) => {
  for (const [name, service] of services) {
    if (service) checkProbe(['services', name, 'check'], service.check, report);
  }
  for (const [name, check] of checks) {
    if (!check) continue;
    const path = ['checks', name];
    if (check.type === 'calculated') checkCalculated(path, check, report);
    else if (check.type !== 'inverted') checkProbe(path, check, report);
    if ('vantages' in check) checkRepeats([...path, 'vantages'], check.vantages ?? [], report);
    if (check.type === 'metric') {
      checkSource(path, check, report);
      checkThresholds(path, check, report);
    }
  }
};

type Probe = CheckConfig | Exclude<NamedCheckConfig, { type: 'calculated' | 'inverted' }>;

function checkProbe(path: FieldPath, check: Probe, report: Report): void {
  if ('contains' in check && check.contains !== undefined && check.method === 'HEAD') {
    const message = 'an answer to HEAD has no content to look into';
    report({ path: [...path, 'contains'], at: 'key', message });
  }
  const [judged, place] = check.type === 'grpc' ? [check.tls, [...path, 'tls']] : [check, path];
  if (judged && 'verify' in judged && !judged.verify && judged.authority !== undefined) {
    const message = 'checks nothing where `verify` is false';
    report({ path: [...place, 'authority'], at: 'key', message });
  }
}

function checkCalculated(
  path: FieldPath,
  { of, atLeast }: Extract<NamedCheckConfig, { type: 'calculated' }>,
  report: Report,
): void {
  if (atLeast > of.length) {
    const message = `${atLeast} of ${of.length} can never be healthy`;
    report({ path: [...path, 'atLeast'], at: 'value', message });
  }
  checkRepeats([...path, 'of'], of, report);
}

type Metric = Extract<NamedCheckConfig, { type: 'metric' }>;

/** Where its value comes from: a query, or a counter of our own. */
function checkSource(path: FieldPath, { url, query, counter }: Metric, report: Report): void {
  if (counter === undefined) {
    if (url !== undefined && query !== undefined) return;
    report({ path, at: 'key', message: 'expected `url` and `query`, or `counter`' });
  } else if (url !== undefined || query !== undefined) {
    const message = 'stands in the place of `url` and `query`';
    report({ path: [...path, 'counter'], at: 'key', message });
  }
}

function checkThresholds(path: FieldPath, { above, below }: Metric, report: Report): void {
  if (above === undefined && below === undefined) {
    report({ path, at: 'key', message: 'says nothing without `above` or `below`' });
  } else if (above !== undefined && below !== undefined && above >= below) {
    const message = `no value is above ${above} and below ${below}`;
    report({ path: [...path, 'above'], at: 'value', message });
  }
}

function checkRepeats(path: FieldPath, names: readonly string[], report: Report): void {
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) === index) continue;
    report({ path: [...path, index], at: 'value', message: `${name} is given twice` });
  }
}

/** Checks that are computed from others never lead back to themselves. */
export const checksEnd: Rule = ({ checks }, report) => {
  const ended = new Set<string>();
  for (const name of checks.keys()) {
    const circle = findCircle(checks, name, ended);
    if (!circle) continue;
    const message = `leads back to itself: ${circle.join(' → ')}`;
    report({ path: ['checks', circle[0] ?? name, 'of'], at: 'value', message });
  }
};

/** From `start` on; what was looked at once is in `ended`. Without recursion: names may be many. */
function findCircle(checks: Checks, start: string, ended: Set<string>): string[] | undefined {
  const way = new Set<string>();
  const ahead: { readonly name: string; readonly leave: boolean }[] = [
    { name: start, leave: false },
  ];
  for (let next = ahead.pop(); next; next = ahead.pop()) {
    const { name, leave } = next;
    if (leave) {
      way.delete(name);
      ended.add(name);
      continue;
    }
    if (way.has(name)) {
      const met = [...way];
      for (const one of met) ended.add(one);
      return [...met.slice(met.indexOf(name)), name];
    }
    if (ended.has(name)) continue;
    way.add(name);
    ahead.push({ name, leave: true });
    for (const of of childrenOf(checks.get(name))) ahead.push({ name: of, leave: false });
  }
  return undefined;
}

function childrenOf(check: NamedCheckConfig | undefined): readonly string[] {
  if (check?.type === 'calculated') return check.of;
  return check?.type === 'inverted' ? [check.of] : [];
}
