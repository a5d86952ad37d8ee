import type { z } from 'zod';
import { messageOf } from '../base/errors.ts';
import { formatPath } from '../config/field-path.ts';
import { fault } from './problems.ts';

const longestDetail = 300;

/**
 * Reads a body of JSON (RFC 8259, UTF-8).
 *
 * @throws MeridianError `bad_body`: what is wrong and where; nothing of the values is told
 */
export function readJson<Schema extends z.ZodType>(body: Buffer, schema: Schema): z.output<Schema> {
  const result = schema.safeParse(parseJson(body));
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => ({
    field: formatPath(path.map((step) => (typeof step === 'number' ? step : String(step)))),
    message,
  }));
  const { field, message } = issues[0]!;
  const detail = `${field === '' ? 'the body' : field}: ${message}`.slice(0, longestDetail);
  throw fault('bad_body', detail, { field });
}

function parseJson(body: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw fault('bad_body', 'the body is not UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's own message quotes the body.
    const [, position] = /at position (\d+)/.exec(messageOf(error)) ?? [];
    const where = position === undefined ? '' : ` from character ${position} on`;
    throw fault('bad_body', `the body is not JSON${where}`);
  }
}
