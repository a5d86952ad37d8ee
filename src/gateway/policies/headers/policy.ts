import type { FieldEdits, PolicyConfig } from '../../../config/schema/policy.ts';
import { assertEditable, type FieldEditor } from '../field-editor.ts';
import type { Policy } from '../policy.ts';

type HeadersOptions = Extract<PolicyConfig, { type: 'headers' }>;

/**
 * Changes header fields of requests and responses: first what is left out, then what is
 * set, then what is added.
 *
 * @throws MeridianError `field_not_editable`
 */
export function createHeadersPolicy({ request, response }: HeadersOptions): Policy {
  for (const edits of [request, response]) {
    if (!edits) continue;
    for (const name of namesOf(edits)) assertEditable(name);
  }
  return {
    ...(request && {
      onRequest: ({ headers }) => {
        apply(request, headers);
        return undefined;
      },
    }),
    ...(response && { onResponse: ({ headers }) => apply(response, headers) }),
  };
}

export function namesOf({ set, add, remove }: FieldEdits): string[] {
  return [...Object.keys(set), ...Object.keys(add), ...remove];
}

function apply({ set, add, remove }: FieldEdits, headers: FieldEditor): void {
  for (const name of remove) headers.delete(name);
  for (const name in set) headers.set(name, set[name]!);
  for (const name in add) headers.add(name, add[name]!);
}
