import type { ReadOptions, WriteOptions } from '../bucket.ts';
import { dataError } from '../errors.ts';
import { type Answer, problem, stalenessField } from './answer.ts';
import { readBody } from './body.ts';
import type { KeyCall } from './call.ts';
import { readConditions, writeCondition } from './conditions.ts';
import type { Parameters } from './parameters.ts';

export function readOptions({ consistency }: Parameters): ReadOptions {
  return { consistency: consistency === 'strong' ? 'strong' : 'local' };
}

function writeOptions({ consistency }: Parameters): WriteOptions {
  return { consistency: consistency === 'strong' ? consistency : undefined };
}

export async function getEntry(call: KeyCall): Promise<Answer> {
  const { bucket, key, parameters, request, context } = call;
  const decide = readConditions(request.headers);
  const { entry, staleForMs } = await bucket.get(key, readOptions(parameters));
  const fields = { ...stalenessField(staleForMs), ...regionField(context) };
  const decided = decide(entry?.version);
  if (decided === 'failed') {
    return problem('precondition_failed', 'the key has another version', {}, fields);
  }
  if (!entry) return problem('no_value', 'the key has no value', {}, fields);
  const tagged = { ETag: `"${entry.version}"`, ...fields };
  if (decided === 'unmodified') return { status: 304, fields: tagged };
  const contentType = 'application/octet-stream';
  return { status: 200, contentType, body: entry.value, fields: tagged };
}

export async function putEntry(call: KeyCall): Promise<Answer> {
  const { bucket, key, served, parameters, request, response, context, caller } = call;
  const condition = writeCondition(request.headers);
  const { maximumValueBytes: limitBytes } = served;
  const declared = Number(request.headers['content-length'] ?? limitBytes);
  const release = context.bodies.take(caller.service, Math.min(declared, limitBytes));
  try {
    const value = await readBody(request, response, {
      limitBytes,
      tooLarge: () =>
        dataError('value_too_large', `a value of ${call.name} may have ${limitBytes} bytes`),
    });
    context.counters.receivedBytes += value.length;
    const version = await bucket.put(key, value, condition, writeOptions(parameters));
    const fields = { ETag: `"${version}"`, ...regionField(context) };
    return { status: condition?.type === 'absent' ? 201 : 204, fields };
  } finally {
    release();
  }
}

export async function deleteEntry(call: KeyCall): Promise<Answer> {
  const { bucket, key, parameters, request, context } = call;
  await bucket.delete(key, writeCondition(request.headers), writeOptions(parameters));
  return { status: 204, fields: regionField(context) };
}

export function regionField({ region }: { readonly region: string }) {
  return { 'Meridian-Region': region };
}
