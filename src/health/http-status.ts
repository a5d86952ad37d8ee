const longestLine = 1_024;

/**
 * The status of the final response in the beginning of an HTTP/1.x answer, past interim ones
 * (RFC 9110 section 15.2); `undefined` while more is needed, `'malformed'` when more would
 * not help.
 */
export function finalStatus(answer: string): number | 'malformed' | undefined {
  for (let at = 0; ; ) {
    const lineEnd = answer.indexOf('\n', at);
    if (lineEnd < 0) {
      const begun = answer.slice(at, at + 'HTTP/1.'.length);
      const possible = 'HTTP/1.'.startsWith(begun) && answer.length - at <= longestLine;
      return possible ? undefined : 'malformed';
    }
    const match = /^HTTP\/1\.[01] ([1-9]\d\d)(?: [^\r\n]*)?\r?$/.exec(answer.slice(at, lineEnd));
    if (!match) return 'malformed';
    const status = Number(match[1]);
    if (status >= 200) return status;
    const headEnd = answer.indexOf('\r\n\r\n', at);
    if (headEnd < 0) return undefined;
    at = headEnd + 4;
  }
}
