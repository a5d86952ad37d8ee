import type { FieldEdits } from '../schema/policy.ts';
import { isOfGateway } from './route-actions.ts';
import type { Rule } from './rule.ts';

type Report = Parameters<Rule>[1];
type Path = readonly (string | number)[];

/** A plugin that is not there is found with the other references. */
export const policiesAreUsable: Rule = ({ routes }, report) => {
  for (const [route, config] of routes.entries()) {
    for (const [index, policy] of config?.policies?.entries() ?? []) {
      if (policy.type !== 'headers') continue;
      const path = ['routes', route, 'policies', index];
      if (policy.request) checkEdits(policy.request, [...path, 'request'], report);
      if (policy.response) checkEdits(policy.response, [...path, 'response'], report);
    }
  }
};

function checkEdits(edits: FieldEdits, path: Path, report: Report): void {
  const refuse = (at: Path, place: 'key' | 'value', name: string) => {
    if (!isOfGateway(name)) return;
    report({
      path: [...path, ...at],
      at: place,
      message: `${name} is written by the gateway itself`,
    });
  };
  for (const name of Object.keys(edits.set)) refuse(['set', name], 'key', name);
  for (const name of Object.keys(edits.add)) refuse(['add', name], 'key', name);
  for (const [index, name] of edits.remove.entries()) refuse(['remove', index], 'value', name);
}
