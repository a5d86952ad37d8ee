import type { Finding } from './config-error.ts';
import { draftOfConfig, draftOfInput } from './draft.ts';
import { plainData } from './plain-data.ts';
import { type Config, configSchema } from './schema/config.ts';
import { describeIssue, schemaFindings } from './schema-findings.ts';
import { aliasesLeadToRecordSets } from './semantics/aliases.ts';
import {
  spillOverIsPossible,
  stickyCookiesDiffer,
  zonesArePossible,
} from './semantics/balancing.ts';
import { checksEnd, probesArePossible } from './semantics/checks.ts';
import {
  dataBucketsArePossible,
  dataBucketsHaveRoom,
  dataClientsArePossible,
  dataTokensDiffer,
} from './semantics/data.ts';
import { domainsFitRoutes } from './semantics/domains.ts';
import { exclusiveSetsArePossible, exclusiveUsesFit } from './semantics/exclusive.ts';
import { listenersArePossible } from './semantics/listeners.ts';
import { policiesAreUsable } from './semantics/policies.ts';
import { recordSetsAreValid, recordSetsFitTogether } from './semantics/records.ts';
import { referencesExist } from './semantics/references.ts';
import {
  addressesDiffer,
  nodesArePossible,
  portsDiffer,
  regionNamesAreFree,
  someRegionServes,
} from './semantics/regions.ts';
import { routeActionsFit } from './semantics/route-actions.ts';
import {
  boundRoutesGetRequests,
  routeNamesDiffer,
  routePathsCanMatch,
  routesDoNotOverlap,
} from './semantics/routes.ts';
import type { Rule } from './semantics/rule.ts';
import { secondariesArePure, transferKeysExist } from './semantics/secondaries.ts';
import { endpointsArePossible, residencyIsPossible } from './semantics/services.ts';
import {
  beaconMeasuresRegions,
  latencyNetworksDiffer,
  storeServersAreComplete,
} from './semantics/tables.ts';
import { timingsArePossible } from './semantics/timing.ts';
import { certificatesHaveKeys, upstreamTlsIsChecked } from './semantics/tls.ts';
import {
  nameServersAreValid,
  nestedZonesAreNotHidden,
  zoneFilesAreRead,
  zoneNamesAreValid,
} from './semantics/zones.ts';

/** What the schema cannot state. */
const rules: readonly Rule[] = [
  referencesExist,
  someRegionServes,
  regionNamesAreFree,
  addressesDiffer,
  nodesArePossible,
  portsDiffer,
  listenersArePossible,
  certificatesHaveKeys,
  upstreamTlsIsChecked,
  timingsArePossible,
  probesArePossible,
  checksEnd,
  endpointsArePossible,
  residencyIsPossible,
  zonesArePossible,
  stickyCookiesDiffer,
  spillOverIsPossible,
  exclusiveSetsArePossible,
  exclusiveUsesFit,
  routeNamesDiffer,
  routePathsCanMatch,
  routesDoNotOverlap,
  boundRoutesGetRequests,
  routeActionsFit,
  domainsFitRoutes,
  policiesAreUsable,
  latencyNetworksDiffer,
  beaconMeasuresRegions,
  storeServersAreComplete,
  dataBucketsArePossible,
  dataBucketsHaveRoom,
  dataClientsArePossible,
  dataTokensDiffer,
  zoneNamesAreValid,
  nestedZonesAreNotHidden,
  zoneFilesAreRead,
  nameServersAreValid,
  recordSetsAreValid,
  aliasesLeadToRecordSets,
  recordSetsFitTogether,
  secondariesArePure,
  transferKeysExist,
];

export type Validated =
  | { readonly ok: true; readonly config: Config; readonly input: unknown }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/**
 * Data as an operator wrote them → the model with every default, or everything that is
 * wrong with them. What is not plain data is told alone; otherwise the schema and every
 * rule over the whole are run, whatever the others found.
 */
export function validate(value: unknown): Validated {
  const { data, findings: misshapen } = plainData(value);
  if (misshapen.length > 0) return { ok: false, findings: misshapen };
  const result = configSchema.safeParse(data, { error: describeIssue, reportInput: true });
  const draft = result.success ? draftOfConfig(data, result.data) : draftOfInput(data);
  const broken: Finding[] = [];
  for (const rule of rules) rule(draft, (finding) => void broken.push(finding));
  if (result.success && broken.length === 0) return { ok: true, config: result.data, input: data };
  const refused = result.success ? [] : schemaFindings(result.error, data);
  return { ok: false, findings: [...withoutRepeats(refused, broken), ...broken] };
}

/** A name that is none of those declared says more than that it has a wrong character. */
function withoutRepeats(refused: readonly Finding[], broken: readonly Finding[]): Finding[] {
  const named = new Set(
    broken.filter(({ suggestion }) => suggestion).map(({ path }) => JSON.stringify(path)),
  );
  return refused.filter(({ path }) => !named.has(JSON.stringify(path)));
}
