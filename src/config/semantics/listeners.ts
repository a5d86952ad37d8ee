import type { Finding } from '../config-error.ts';
import { isStandard, protocolOf } from '../listeners.ts';
import type { ListenerConfig } from '../schema/listener.ts';
import { nameSchema } from '../schema/units.ts';
import type { Rule } from './rule.ts';

/** Ports of a node that carry something else than requests of clients. */
const otherPorts: ReadonlySet<string> = new Set(['link', 'dns', 'admin']);

export const listenersArePossible: Rule = ({ listeners }, report) => {
  for (const [name, listener] of listeners) {
    const path = ['listeners', name];
    if (otherPorts.has(name)) {
      const message = `stands for \`ports.${name}\`, which is no listener for requests`;
      report({ path, at: 'key', message });
    } else if (!nameSchema.safeParse(name).success) {
      const message = 'expected 1 to 63 of a-z, 0-9 and "-", not at either end';
      report({ path, at: 'key', message });
    } else if (listener) checkListener(name, listener, report);
  }
};

function checkListener(
  name: string,
  listener: ListenerConfig,
  report: (finding: Finding) => void,
): void {
  const path = ['listeners', name];
  const refuse = (field: string, message: string) =>
    report({ path: [...path, field], at: 'key', message });
  const { port, protocol, tls, redirect, proxyProtocol } = listener;
  if (isStandard(name)) {
    if (port !== undefined) refuse('port', `stands in \`ports.${name}\``);
    if (protocol !== undefined && protocol !== name) {
      refuse('protocol', `the listener \`${name}\` has its protocol by its name`);
    }
  } else if (port === undefined) {
    report({ path, at: 'key', message: 'missing; expected `port`' });
  }
  const secure = protocolOf(name, listener) === 'https';
  if (tls && !secure) refuse('tls', 'a listener in clear has none: expected `protocol: https`');
  if (redirect && secure) refuse('redirect', 'is for a listener in clear: this one speaks TLS');
  if (proxyProtocol && name === 'http') {
    refuse(
      'proxyProtocol',
      'nodes ask each other for their health by `http`, without a proxy: give yours a listener of its own',
    );
  }
}
