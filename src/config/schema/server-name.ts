import { z } from 'zod';

/** A name that a certificate can have, and that is asked for by SNI: letters, digits and hyphens. */
export const serverName = z
  .string()
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/,
    'expected a host name, such as "orders.internal"',
  );
