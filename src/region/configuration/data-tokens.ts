import { invalid, type PemTexts } from './pem-texts.ts';

/** As RFC 6750, section 2.1, has them, so that each can stand in a field. */
const tokenPattern = /^[A-Za-z0-9._~+/-]+=*$/;
const leastCharacters = 16;
const mostCharacters = 1_024;

/**
 * What services show, by their names, read from the places given. Two that are equal could not
 * be told apart, and one would have the rights of the other.
 *
 * @throws MeridianError as `loadMaterial`; never with a token in it
 */
export async function loadDataTokens(
  places: ReadonlyMap<string, string>,
  texts: PemTexts,
): Promise<Record<string, string>> {
  const tokens: Record<string, string> = {};
  const holders = new Map<string, string>();
  for (const [name, place] of places) {
    const token = (await texts.text(place)).trim();
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
