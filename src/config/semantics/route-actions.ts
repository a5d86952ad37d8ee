import { gatewayFieldPrefixes, gatewayFields } from '../gateway-fields.ts';
import type { RouteConfig } from '../schema/route.ts';
import type { Rule } from './rule.ts';

type Report = Parameters<Rule>[1];
type Path = readonly (string | number)[];

/** What a route does with a request fits what it matches. */
export const routeActionsFit: Rule = ({ routes }, report) => {
  for (const [index, route] of routes.entries()) {
    if (!route) continue;
    const path = ['routes', index];
    checkServices(route, path, report);
    if (route.rewrite) checkPaths(route, 'rewrite', path, report);
    if (route.redirect) checkPaths(route, 'redirect', path, report);
    for (const name of Object.keys(route.respond?.headers ?? {})) {
      if (!isOfGateway(name)) continue;
      const message = `${name} is written by the gateway itself`;
      report({ path: [...path, 'respond', 'headers', name], at: 'key', message });
    }
  }
};

function checkServices(
  { services, rewrite, redirect, respond }: RouteConfig,
  path: Path,
  report: Report,
) {
  if (rewrite && (redirect || respond)) {
    const message = 'nothing is forwarded, so there is nothing to rewrite';
    report({ path: [...path, 'rewrite'], at: 'key', message });
  }
  if (services?.every(({ weight }) => weight === 0)) {
    const message = 'every service has weight 0, so none is ever used';
    report({ path: [...path, 'services'], at: 'key', message });
  }
  for (const [at, { service }] of services?.entries() ?? []) {
    if (services!.findIndex((one) => one.service === service) === at) continue;
    const message = `${service} is given twice`;
    report({ path: [...path, 'services', at, 'service'], at: 'value', message });
  }
}

function checkPaths(
  route: RouteConfig,
  action: 'rewrite' | 'redirect',
  path: Path,
  report: Report,
): void {
  const { prefix, path: template } = route[action]!;
  if (prefix !== undefined && (route.exact ?? route.pattern) !== undefined) {
    const message =
      'only the prefix of a route with a `prefix` can be replaced; `path` replaces all';
    report({ path: [...path, action, 'prefix'], at: 'key', message });
  }
  const known = new Set(route.pattern?.match(/(?<=\/:)[^/]+/g));
  for (const [, name] of template?.matchAll(/(?<=\/):([^/]+)/g) ?? []) {
    if (known.has(name!)) continue;
    const message = `":${name}" is no parameter of the pattern of this route`;
    report({ path: [...path, action, 'path'], at: 'value', message });
  }
}

/** `_` and `.` count as `-`: some servers cannot tell them apart. */
export function isOfGateway(name: string): boolean {
  const key = name.toLowerCase().replace(/[_.]/g, '-');
  return (
    gatewayFields.includes(key) || gatewayFieldPrefixes.some((prefix) => key.startsWith(prefix))
  );
}
