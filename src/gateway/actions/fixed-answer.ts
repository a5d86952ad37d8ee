import type { RespondConfig } from '../../config/schema/route-action.ts';
import { contentOf, type OwnAnswer } from '../exchange/answers.ts';
import { fieldLine } from '../http1/serialise.ts';

/** The answer of a route that answers by itself. */
export function compileAnswer(respond: RespondConfig | undefined): OwnAnswer | undefined {
  if (!respond) return undefined;
  const { status, body, contentType, headers } = respond;
  const fields = Object.entries(headers).map(([name, value]) => fieldLine(name, value));
  return { status, contentType, body: contentOf(body), fields: fields.join('') };
}
