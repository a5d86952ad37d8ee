const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/**
 * The deadline that a gRPC client gives (`grpc-timeout`, at most 8 digits and a unit), in
 * milliseconds; `undefined` for none or nonsense.
 */
export function parseGrpcTimeout(value: string | undefined): number | undefined {
  const match = /^([0-9]{1,8})([HMSmun])$/.exec(value ?? '');
  return match ? Number(match[1]) * unitMs[match[2]!]! : undefined;
}
