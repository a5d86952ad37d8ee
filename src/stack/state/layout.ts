import { join } from 'node:path';

/**
 * Where things stand in the state directory of a stack:
 *
 *   DIR/  stack.json        what runs, for the next `up` and for the commands   0600
 *         lock              who runs it                                         0600
 *         stack.sock        control socket                                      0600
 *         secret-key        opens everything below that is sealed               0600
 *         admin-token       secret of changes through the admin API             0600
 *         store-secret      password of the store servers                sealed 0600
 *         data-tokens/S     what service S shows to the data API      sealed 0600
 *         config.json       the configuration that the nodes read
 *         founding/         buckets of the one voter that becomes three, until that is done
 *         ca/               development CA: ca.pem, ca-key.pem           sealed 0600
 *         regions/R/        of its node: node.log access.log snapshots
 *                     identity/ tls/      ca.pem cert.pem, key.pem       sealed 0600
 *                     data/S.token        the same, for the node          sealed 0600
 *                   nodes/N/  the same of each node, where it names several
 *                   services/S.log
 *                   store/  {hub,leaf}.{conf,log} and their data
 *
 * Two secrets stand here in clear, both the operator's own: `secret-key`, since something
 * must open the rest when the stack starts again with nobody at the keyboard, and
 * `admin-token`, which the operator's programs read. Who takes a copy of the rest, of a
 * backup or of one region's folder, learns nothing without `secret-key`.
 */
export interface StackLayout {
  readonly directory: string;
  readonly record: string;
  readonly lock: string;
  readonly socket: string;
  readonly secretKey: string;
  readonly token: string;
  readonly storeSecret: string;
  readonly config: string;
  readonly authority: string;
  readonly dataTokens: string;
  /** What was saved of the one voter while a hub is founded. */
  readonly founding: string;
  readonly regions: string;
  region(name: string): RegionLayout;
}

export interface RegionLayout {
  readonly directory: string;
  readonly services: string;
  readonly store: string;
  /** `undefined`: the only node of a region that names none. */
  node(name: string | undefined): NodeLayout;
}

export interface NodeLayout {
  /** The state directory of the node. */
  readonly directory: string;
  readonly log: string;
  readonly identity: string;
  readonly tls: string;
}

export function layoutOf(directory: string): StackLayout {
  const regions = join(directory, 'regions');
  return {
    directory,
    record: join(directory, 'stack.json'),
    lock: join(directory, 'lock'),
    socket: join(directory, 'stack.sock'),
    secretKey: join(directory, 'secret-key'),
    token: join(directory, 'admin-token'),
    storeSecret: join(directory, 'store-secret'),
    config: join(directory, 'config.json'),
    authority: join(directory, 'ca'),
    dataTokens: join(directory, 'data-tokens'),
    founding: join(directory, 'founding'),
    regions,
    region(name) {
      const region = join(regions, name);
      return {
        directory: region,
        services: join(region, 'services'),
        store: join(region, 'store'),
        node: (own) => nodeLayout(own === undefined ? region : join(region, 'nodes', own)),
      };
    },
  };
}

function nodeLayout(directory: string): NodeLayout {
  return {
    directory,
    log: join(directory, 'node.log'),
    identity: join(directory, 'identity'),
    tls: join(directory, 'tls'),
  };
}
