/** One entry of a certificate's subject alternative names. */
export interface AlternativeName {
  /** As OpenSSL writes it: `DNS`, `IP Address`, `URI`, `email`, … */
  readonly kind: string;
  readonly value: string;
}

/**
 * Takes apart what `X509Certificate.subjectAltName` puts together: `DNS:a.test, URI:"b, c"`.
 * Node quotes, as a JSON string, every value that could be mistaken for several entries
 * (CVE-2021-44532), so that none can forge another. What does not fit this form is dropped with
 * all that follows it.
 */
export function alternativeNames(text: string | undefined): AlternativeName[] {
  const entry = /([^:",]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;
  const names: AlternativeName[] = [];
  if (text === undefined) return names;
  while (entry.lastIndex < text.length) {
    const match = entry.exec(text);
    if (!match) break;
    const value = match[2]!;
    names.push({ kind: match[1]!, value: value.startsWith('"') ? unquoted(value) : value });
  }
  return names;
}

function unquoted(value: string): string {
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}
