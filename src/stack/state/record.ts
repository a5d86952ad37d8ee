import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { codeOf, messageOf } from '../../base/errors.ts';
import { failStack } from '../errors.ts';
import { replaceFile } from './private-file.ts';

const identitySchema = z.strictObject({ pid: z.int().min(1), startTicks: z.number() });

/** Where a node, or the region that has but one, is asked. */
const placeSchema = z.strictObject({
  address: z.string(),
  http: z.int(),
  https: z.int(),
  dns: z.int(),
  admin: z.int(),
});

const recordSchema = z.strictObject({
  format: z.literal('meridian-stack/1'),
  /** Start ticks count from the boot: those of another boot mean nothing. */
  bootId: z.string(),
  supervisor: identitySchema.nullable(),
  /** Not always in the state directory: the path of a socket is limited to 107 bytes. */
  socket: z.string(),
  /** The configuration as it was written, before the stack filled in what it provides. */
  source: z.strictObject({ file: z.string(), revision: z.string() }).optional(),
  /** What `up` made of the configuration; the same is made of one that is applied later. */
  shape: z
    .strictObject({
      relocation: z.strictObject({ portOffset: z.int(), loopback: z.int() }),
      /** Of each region; left out: as the configuration says. */
      nodes: z.int().optional(),
      /** Those that the stack runs. */
      storeServers: z.record(z.string(), z.array(z.string())).optional(),
    })
    .optional(),
  regions: z.record(
    z.string(),
    placeSchema.extend({
      serves: z.boolean(),
      /** In the order of the configuration. */
      nodes: z
        .array(
          placeSchema.extend({
            /** Of its process: `eu-west-1/node/a`. */
            id: z.string(),
            /** For people: `eu-west-1/a`. */
            title: z.string(),
            /** Left out: the only one of a region that names none. */
            name: z.string().optional(),
          }),
        )
        .default([]),
    }),
  ),
  processes: z.array(
    z.strictObject({ id: z.string(), pid: z.int().min(1), startTicks: z.number() }),
  ),
});

/** stack.json: what runs on a state directory, or what ran there last. */
export type StackRecord = z.output<typeof recordSchema>;
export type RegionRecord = StackRecord['regions'][string];
export type NodeRecord = RegionRecord['nodes'][number];

export function emptyRecord(socket: string): StackRecord {
  return {
    format: 'meridian-stack/1',
    bootId: bootId(),
    supervisor: null,
    socket,
    regions: {},
    processes: [],
  };
}

/**
 * Undefined when there is no such file.
 *
 * @throws MeridianError `stack_record_damaged` when it is not one of ours.
 */
export function readRecord(path: string): StackRecord | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (codeOf(error) === 'ENOTDIR') {
      const directory = dirname(path);
      return failStack('state_directory_unusable', `${directory} is a file, not a state directory`);
    }
    const why = codeOf(error) === 'EACCES' ? 'this user may not' : messageOf(error);
    return failStack('stack_record_damaged', `cannot read ${path}: ${why}`);
  }
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    return failStack(
      'stack_record_damaged',
      `${path} is damaged, or not of a Meridian stack; \`meridian down --force\` ends what carries the mark of its directory`,
      {
        cause,
      },
    );
  }
}

export function writeRecord(path: string, record: StackRecord): void {
  replaceFile(path, `${JSON.stringify(record, null, 2)}\n`);
}

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
