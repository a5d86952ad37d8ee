import type { RespondConfig } from '../../config/schema/route-action.ts';
import type { OwnAnswer } from '../answers.ts';
import { fieldLine } from '../http1/serialise.ts';

/** The answer of a route that answers by itself. */
export function compileAnswer(respond: RespondConfig | undefined): OwnAnswer | undefined {
  if (!respond) return undefined;
  const { status, body, contentType, headers } = respond;
  const fields = Object.entries(headers).map(([name, value]) => fieldLine(name, value));
  // Text of an answer is ASCII on the wire; other text goes as bytes.
  const content = /^[\x20-\x7e\s]*$/.test(body) ? body : Buffer.from(body);
  return { status, contentType, body: content, fields: fields.join('') };
}
