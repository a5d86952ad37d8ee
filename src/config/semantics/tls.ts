import type { FieldPath } from '../field-path.ts';
import type { Rule } from './rule.ts';

interface Pair {
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

export const certificatesHaveKeys: Rule = ({ tls, listeners, services }, report) => {
  const check = (path: FieldPath, { certificate, key }: Pair) => {
    if ((certificate === undefined) === (key === undefined)) return;
    const [there, missing] = key === undefined ? ['certificate', 'key'] : ['key', 'certificate'];
    report({ path: [...path, there!], at: 'key', message: `is of no use without \`${missing}\`` });
  };
  if (tls) check(['tls'], tls);
  for (const [name, listener] of listeners) {
    if (listener?.tls) check(['listeners', name, 'tls'], listener.tls);
  }
  for (const [name, service] of services) {
    if (service?.tls) check(['services', name, 'tls'], service.tls);
  }
};

export const upstreamTlsIsChecked: Rule = ({ services }, report) => {
  for (const [name, service] of services) {
    if (!service?.tls || service.tls.verify || service.tls.authority === undefined) continue;
    const message = 'checks nothing where `verify` is false';
    report({ path: ['services', name, 'tls', 'authority'], at: 'key', message });
  }
};
