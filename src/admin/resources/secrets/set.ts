import { json } from '../../answer.ts';
import { readNumber } from '../../read-number.ts';
import type { Resource } from '../resource.ts';

export const setSecret: Resource = {
  path: '/secrets/set',
  method: 'POST',
  summary: 'Seals the body and keeps it in the store; with `version` only where it has that one.',
  parameters: { name: 'required', version: 'optional' },
  body: { contentType: 'application/octet-stream', limitBytes: 64 * 1024, secret: true },
  async answer(view, { name = '', version }, body) {
    const expected =
      version === undefined
        ? undefined
        : readNumber('version', version, 0, Number.MAX_SAFE_INTEGER);
    return json(200, { secret: await view.secrets.set(name, body, expected) });
  },
};
