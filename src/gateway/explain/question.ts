import { isIP } from 'node:net';
import { MeridianError } from '../../base/errors.ts';
import { clientListeners } from '../../config/listeners.ts';
import type { Config } from '../../config/schema/config.ts';
import type { Conditional } from '../router/candidates.ts';
import type { BalanceKey } from '../upstream/balancing/balancer.ts';

export type QuestionErrorCode =
  | 'bad_url'
  | 'bad_method'
  | 'bad_client'
  | 'bad_header'
  | 'bad_listener';

/** A request that nobody has sent. */
export interface RequestQuestion {
  readonly method: string;
  /** `http://host/path?query`, or the same with https. */
  readonly url: string;
  /** Address of its client. Default: `127.0.0.1`. */
  readonly client?: string | undefined;
  /** Field lines, `Name: value`, one below the other. */
  readonly headers?: string | undefined;
  /** By which it comes in. Default: `http` or `https`, as the URL says. */
  readonly listener?: string | undefined;
}

/** What of it decides its route and its endpoint. */
export interface AskedRequest extends Conditional, BalanceKey {
  readonly host: string;
  /** As written: `normalisePath` resolves dot segments, or refuses them. */
  readonly rawPath: string;
}

/** @throws MeridianError with a `QuestionErrorCode` */
export function readQuestion(question: RequestQuestion, config: Config): AskedRequest {
  const { method, url, client = '127.0.0.1', headers = '' } = question;
  const match = /^(https?):\/\/([^/?#@]+)(\/[^?#]*)?(\?[^#]*)?/i.exec(url);
  if (!match || !URL.canParse(url)) refuse('bad_url', `"${url}" is not an http or https URL`);
  if (!/^[A-Z][A-Z-]{0,31}$/.test(method)) {
    refuse('bad_method', `"${method}" is not a method in upper case`);
  }
  if (isIP(client) === 0) refuse('bad_client', `"${client}" is not an address`);
  const [, scheme = '', authority = '', rawPath = '/', query = ''] = match;
  const { name: listener, tls } = listenerOf(question.listener ?? scheme.toLowerCase(), config);
  return {
    method,
    host: authority.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase(),
    rawPath,
    query,
    fields: ['Host', authority, ...fieldsOf(headers)],
    listener,
    clientAddress: client,
    secure: tls !== undefined,
  };
}

function listenerOf(name: string, config: Config) {
  const all = clientListeners(config);
  const found = all.find((listener) => listener.name === name);
  if (found) return found;
  const known = all.map((listener) => listener.name).join(', ');
  return refuse('bad_listener', `no listener is named "${name}"; known are ${known}`);
}

/** RFC 9110 sections 5.1 and 5.5. */
function fieldsOf(lines: string): string[] {
  const given = lines.split(/\r?\n/).filter((line) => line !== '');
  return given.flatMap((line) => {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
    if (!match) refuse('bad_header', 'a field line is not of the form `Name: value`');
    return [match[1]!, match[2]!.trimEnd()];
  });
}

function refuse(code: QuestionErrorCode, message: string): never {
  throw new MeridianError<QuestionErrorCode>(code, message);
}
