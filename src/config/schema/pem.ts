import { z } from 'zod';

export const pemPlace =
  'PEM file, or `secret:NAME` for a secret of the store; `{region}` is replaced by the name of the region.';

/** A key pasted where its file belongs would be stored in clear, and quoted as a path. */
export const pemSource = z
  .string()
  .min(1)
  .refine(
    (place) => !/[\r\n]|-----BEGIN /.test(place),
    'expected the name of a file or `secret:NAME`, not the PEM itself',
  )
  .meta({ description: pemPlace });
