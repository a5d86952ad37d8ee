import type { Finding } from './config-error.ts';
import { draftOfConfig, draftOfInput } from './draft.ts';
import { plainData } from './plain-data.ts';
import { type Config, configSchema } from './schema/config.ts';
import { describeIssue, schemaFindings } from './schema-findings.ts';
import { recordSetsAreValid, recordSetsFitTogether } from './semantics/records.ts';
import { referencesExist } from './semantics/references.ts';
import { addressesDiffer, portsDiffer, someRegionServes } from './semantics/regions.ts';
import { routeNamesDiffer, routePathsCanMatch, routesDoNotOverlap } from './semantics/routes.ts';
import type { Rule } from './semantics/rule.ts';
import { endpointsArePossible, residencyIsPossible } from './semantics/services.ts';
import { latencyNetworksDiffer, storeServersAreComplete } from './semantics/tables.ts';
import { timingsArePossible } from './semantics/timing.ts';
import {
  nameServersAreValid,
  nestedZonesAreNotHidden,
  zoneNamesAreValid,
} from './semantics/zones.ts';

/** What the schema cannot state. */
const rules: readonly Rule[] = [
  referencesExist,
  someRegionServes,
  addressesDiffer,
  portsDiffer,
  timingsArePossible,
  endpointsArePossible,
  residencyIsPossible,
  routeNamesDiffer,
  routePathsCanMatch,
  routesDoNotOverlap,
  latencyNetworksDiffer,
  storeServersAreComplete,
  zoneNamesAreValid,
  nestedZonesAreNotHidden,
  nameServersAreValid,
  recordSetsAreValid,
  recordSetsFitTogether,
];

export type Validated =
  | { readonly ok: true; readonly config: Config; readonly input: unknown }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/**
 * Data as an operator wrote them → the model with every default, or everything that is
 * wrong with them: form (plain data), schema, then the rules over the whole, each of them
 * run even when an earlier one found something.
 */
export function validate(value: unknown): Validated {
  const { data, findings: formFindings } = plainData(value);
  const findings: Finding[] = [...formFindings];
  const result = configSchema.safeParse(data, { error: describeIssue, reportInput: true });
  if (!result.success) findings.push(...schemaFindings(result.error));
  const draft = result.success ? draftOfConfig(data, result.data) : draftOfInput(data);
  const report = (finding: Finding) => void findings.push(finding);
  for (const rule of rules) rule(draft, report);
  if (!result.success || findings.length > 0) return { ok: false, findings };
  return { ok: true, config: result.data, input: data };
}
