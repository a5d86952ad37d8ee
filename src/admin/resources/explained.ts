import { MeridianError } from '../../base/errors.ts';
import { type Answer, json, problem } from '../answer.ts';

/** What a question asks for may be impossible: those errors are made for people and name the cause. */
export async function explained(explain: () => object | Promise<object>): Promise<Answer> {
  try {
    return json(200, await explain());
  } catch (error) {
    if (error instanceof MeridianError) return problem('cannot_explain', error.message);
    throw error;
  }
}
