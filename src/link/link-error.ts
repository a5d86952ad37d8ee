import { MeridianError } from '../base/errors.ts';

/**
 * What can go wrong on the inter-region link:
 *
 *   frame_too_large   a frame is, or announces to be, larger than `maxFrameBytes`
 *   empty_frame       a frame without content where content is due
 *   bad_region_name   a region name that cannot be part of a server name
 *   peer_not_region   the other side's certificate does not name the expected region
 */
export type LinkErrorCode =
  | 'frame_too_large'
  | 'empty_frame'
  | 'bad_region_name'
  | 'peer_not_region';

export class LinkError extends MeridianError<LinkErrorCode> {}
