import { z } from 'zod';
import { fieldName, fieldValue, nameSchema } from './units.ts';

const fieldEdits = z.strictObject({
  set: z
    .record(fieldName, fieldValue)
    .default({})
    .meta({ description: 'Fields to replace, or to add where there is none.' }),
  add: z
    .record(fieldName, fieldValue)
    .default({})
    .meta({ description: 'Fields to add beside those of the same name.' }),
  remove: z.array(fieldName).default([]).meta({ description: 'Fields to leave out.' }),
});

export const policySchema = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('headers').meta({ description: 'Changes header fields.' }),
      request: fieldEdits.optional().meta({ description: 'Of what the service gets.' }),
      response: fieldEdits.optional().meta({ description: 'Of what the client gets.' }),
    }),
    z.strictObject({
      type: z.literal('plugin').meta({ description: 'A policy of your own: see `plugins`.' }),
      plugin: nameSchema.meta({ description: 'Name of the plugin.' }),
      options: z.unknown().optional().meta({ description: 'What the plugin asks for.' }),
    }),
  ])
  .meta({ description: 'One step that is applied to a request or its response.' });

export const policiesSchema = z.array(policySchema).min(1).max(32).optional().meta({
  description:
    'Steps applied to a request in this order, and to its response in the reverse order.',
});

export const pluginsSchema = z.record(nameSchema, z.string().min(1)).optional().meta({
  description:
    'Modules with policies of your own, by name: a TypeScript or JavaScript file that exports `definePolicy({…})` as its default. Every node needs the file.',
});

export type PolicyConfig = z.output<typeof policySchema>;
export type FieldEdits = z.output<typeof fieldEdits>;
