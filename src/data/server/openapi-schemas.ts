import { mostKeysOfBatch } from './operations.ts';

const version = { type: 'string', description: 'As in `ETag`, without its quotes.' };
const value = { type: 'string', contentEncoding: 'base64' };
const key = { $ref: '#/components/schemas/Key' };

/** What the bodies of the data API are, as JSON Schema 2020-12. */
export const apiSchemas = {
  Key: {
    type: 'string',
    minLength: 1,
    maxLength: 256,
    pattern: '^[A-Za-z0-9_=/-]+(\\.[A-Za-z0-9_=/-]+)*$',
  },
  BucketName: { type: 'string', maxLength: 24, pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$' },
  Page: pageOf(['key', 'version'], {
    key,
    version,
    value: { ...value, description: 'With `values=true`.' },
  }),
  LostPage: pageOf(['key', 'version', 'lostTo', 'recordedAtMs'], {
    key,
    version: { ...version, description: 'That the write had got.' },
    value: { ...value, description: 'What it wrote.' },
    deleted: { const: true, description: 'It removed the value: then there is none.' },
    lostTo: {
      type: 'string',
      description: 'The version that counts instead, or did at first.',
    },
    recordedAtMs: {
      type: 'integer',
      description: 'When that was found; milliseconds since 1970.',
    },
  }),
  BatchRead: {
    type: 'object',
    required: ['keys'],
    additionalProperties: false,
    properties: {
      keys: { type: 'array', minItems: 1, maxItems: mostKeysOfBatch, items: key },
      consistency: { enum: ['local', 'strong'], default: 'local' },
    },
  },
  Batch: {
    type: 'object',
    required: ['entries'],
    additionalProperties: false,
    properties: {
      entries: {
        type: 'array',
        maxItems: mostKeysOfBatch,
        items: {
          type: 'object',
          required: ['key'],
          additionalProperties: false,
          properties: {
            key,
            version: { type: ['string', 'null'], description: '`null`: the key has no value.' },
            value,
            omitted: { const: true, description: 'No room here: then nothing else is said of it.' },
          },
        },
      },
    },
  },
  Buckets: {
    type: 'object',
    required: ['buckets'],
    additionalProperties: false,
    properties: {
      buckets: {
        type: 'array',
        items: {
          type: 'object',
          required: ['name', 'right', 'consistency', 'regions', 'maximumValueBytes', 'resident'],
          additionalProperties: false,
          properties: {
            name: { $ref: '#/components/schemas/BucketName' },
            right: { enum: ['read', 'write'] },
            consistency: { enum: ['sync', 'async'] },
            regions: {
              type: 'array',
              items: { type: 'string' },
              description: 'Those that hold a copy.',
            },
            maximumValueBytes: { type: 'integer', minimum: 1 },
            resident: { type: 'boolean', description: 'Whether this region holds a copy.' },
            writable: {
              type: 'boolean',
              description: 'Whether writes can be expected to succeed.',
            },
            problem: { type: 'string' },
            lagMs: {
              type: 'object',
              additionalProperties: { type: 'number' },
              description: "How far behind other regions' writes are seen here at most, by region.",
            },
            lost: {
              type: 'integer',
              description: 'Own writes that lost to one which had not seen them.',
            },
          },
        },
      },
    },
  },
} as const;

/** Entries, and the cursor of what follows them. */
function pageOf(required: readonly string[], properties: object) {
  const items = { type: 'object', required, additionalProperties: false, properties };
  return {
    type: 'object',
    required: ['entries', 'cursor'],
    additionalProperties: false,
    properties: {
      entries: { type: 'array', maxItems: 1_000, items },
      cursor: { type: ['string', 'null'], description: 'Of the next page; `null`: there is none.' },
    },
  };
}
