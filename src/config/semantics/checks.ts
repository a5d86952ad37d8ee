import type { FieldPath } from '../field-path.ts';
import type { CheckConfig } from '../schema/check.ts';
import type { Rule } from './rule.ts';

type Report = Parameters<Rule>[1];

/** What the fields of one check say together. */
export const probesArePossible: Rule = ({ services }, report) => {
  for (const [name, service] of services) {
    if (service) checkProbe(['services', name, 'check'], service.check, report);
  }
};

function checkProbe(path: FieldPath, check: CheckConfig, report: Report): void {
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
