/**
 * The one value in an answer of the Prometheus HTTP API to an instant query; otherwise a
 * sentence that says why there is none. Never quotes what came in.
 */
export function singleValue(content: string): number | string {
  let answer: unknown;
  try {
    answer = JSON.parse(content);
  } catch {
    return 'not an answer of the Prometheus API';
  }
  const { status, data } = fieldsOf(answer);
  if (status !== 'success') return 'the query was refused';
  const { resultType, result } = fieldsOf(data);
  if (!Array.isArray(result)) return 'not an answer of the Prometheus API';
  if (resultType === 'scalar') return numberIn(result);
  if (resultType !== 'vector') return 'the query gives no single value';
  if (result.length === 0) return 'the query gives no value';
  if (result.length > 1) return `the query gives ${result.length} values, where one is expected`;
  const { value } = fieldsOf(result[0]);
  return Array.isArray(value) ? numberIn(value) : 'not an answer of the Prometheus API';
}

/** Of `[time, "value"]`. */
function numberIn([, text]: readonly unknown[]): number | string {
  if (typeof text !== 'string') return 'not an answer of the Prometheus API';
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(value) ? 'the query gives no number' : value;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
