import { invalid, type PemTexts } from './pem-texts.ts';

/** As RFC 6750, section 2.1, has them, so that each can stand in a field. */
const tokenPattern = /^[A-Za-z0-9._~+/-]+=*$/;
const leastCharacters = 16;
const mostCharacters = 1_024;

/** Where the token of a service is. */
export interface TokenPlace {
  readonly place: string;
  /** The configuration does not name it: there, where a stack puts it, it may be missing. */
  readonly isOwn: boolean;
}

/**
 * What services show, by their names, read from the places given. A service without a token is
 * refused by the data API, and is no reason not to serve the others, or requests. Two that are equal could not
 * be told apart, and one would have the rights of the other.
 *
 * @throws MeridianError as `loadMaterial`; never with a token in it
 */
export async function loadDataTokens(
  places: ReadonlyMap<string, TokenPlace>,
  texts: PemTexts,
): Promise<Record<string, string>> {
  const tokens: Record<string, string> = {};
  const holders = new Map<string, string>();
  for (const [name, { place, isOwn }] of places) {
    const without = `the data API of this node refuses the service ${name}`;
    const text = isOwn ? await texts.textIfThere(place, without) : await texts.text(place);
    if (text === undefined) continue;
    const token = text.trim();
    if (token.length < leastCharacters || token.length > mostCharacters) {
      invalid(
        `${place} is no token of the data API: expected ${leastCharacters} to ${mostCharacters} characters`,
      );
    }
    if (!tokenPattern.test(token)) {
      invalid(
        `${place} is no token of the data API: expected A-Za-z0-9-._~+/, then "=" if need be`,
      );
    }
    const holder = holders.get(token);
    if (holder !== undefined) {
      invalid(`the tokens of ${holder} and ${name} for the data API are the same: make two`);
    }
    holders.set(token, name);
    tokens[name] = token;
  }
  return tokens;
}
