import { join } from 'node:path';

/**
 * Where things stand in the state directory of a stack:
 *
 *   DIR/  stack.json        what runs, for the next `up` and for the commands   0600
 *         lock              who runs it                                         0600
 *         stack.sock        control socket                                      0600
 *         admin-token       secret of changes through the admin API             0600
 *         store-secret      password of the store servers                       0600
 *         config.json       the configuration that the nodes read
 *         ca/               development CA
 *         regions/R/        node.log access.log snapshots
 *                   identity/ tls/        ca.pem cert.pem key.pem (0600)
 *                   services/S.log
 *                   store/  {hub,leaf}.{conf,log} and their data
 */
export interface StackLayout {
  readonly directory: string;
  readonly record: string;
  readonly lock: string;
  readonly socket: string;
  readonly token: string;
  readonly storeSecret: string;
  readonly config: string;
  readonly authority: string;
  region(name: string): RegionLayout;
}

export interface RegionLayout {
  readonly directory: string;
  readonly nodeLog: string;
  readonly identity: string;
  readonly tls: string;
  readonly services: string;
  readonly store: string;
}

export function layoutOf(directory: string): StackLayout {
  return {
    directory,
    record: join(directory, 'stack.json'),
    lock: join(directory, 'lock'),
    socket: join(directory, 'stack.sock'),
    token: join(directory, 'admin-token'),
    storeSecret: join(directory, 'store-secret'),
    config: join(directory, 'config.json'),
    authority: join(directory, 'ca'),
    region(name) {
      const region = join(directory, 'regions', name);
      return {
        directory: region,
        nodeLog: join(region, 'node.log'),
        identity: join(region, 'identity'),
        tls: join(region, 'tls'),
        services: join(region, 'services'),
        store: join(region, 'store'),
      };
    },
  };
}
