import { identityName, storeOperator, systemOperator } from './identities.ts';
import {
  followMapping,
  growthRequest,
  leafRights,
  mirrorChangeRequests,
  nodeRights,
  type Rights,
  settingsSubject,
} from './rights.ts';
import { operatorUser, passwordText, type SecretOptions, systemUser } from './secret.ts';
import { block, longList, quote } from './syntax.ts';

/**
 * Who may connect, and to do what.
 *
 *   account     users                                       on
 *   MERIDIAN    the nodes of a region (`nodeRights`)        its leaf
 *               the leaf of each region (`leafRights`)      every hub voter
 *               an operator, by certificate or secret: all  every hub voter
 *   SYS         an operator, by certificate or secret       every hub voter
 *
 * With a secret, as in a stack, the nodes and leaves of all regions are one user who knows
 * it, and may add copies to buckets. Without, the certificate of a connection is the user
 * (`verify_and_map`).
 */
export interface AccountOptions extends SecretOptions {
  /** Whose leaves the hub accepts, by certificate. */
  readonly regions: readonly string[];
  /** No leaf is let in, so nothing is written but by an operator. */
  readonly closed?: boolean | undefined;
}

export const account = 'MERIDIAN';

/** On a hub voter. Its settings are shown, read-only, to the nodes (`settings.ts`). */
export function hubAccounts(options: AccountOptions): string[] {
  const password = passwordText(options);
  const leaves =
    password === undefined
      ? options.regions.flatMap((region) => certificateUser(region, 'LEAFNODE', leafRights(region)))
      : user(password, 'LEAFNODE', growing(leafRights('*')));
  return [
    ...block(
      'accounts',
      ...block(
        'SYS',
        `users: [ { ${passwordText(options, systemUser) ?? `user: ${quote(systemOperator)}`} } ]`,
        `exports: [ { service: ${quote(varz)}, accounts: [${account}], response_type: stream } ]`,
      ),
      ...block(
        account,
        'jetstream: enabled',
        'users: [',
        ...(options.closed ? [] : leaves.map((line) => `  ${line}`)),
        `  { ${passwordText(options, operatorUser) ?? `user: ${quote(storeOperator)}`} }`,
        ']',
        `imports: [ { service: { account: SYS, subject: ${quote(varz)} }, to: ${quote(settingsSubject)} } ]`,
      ),
    ),
    'system_account: SYS',
  ];
}

/** On a leaf of a region; its logs are on the first, which the other regions may follow. */
export function leafAccounts(region: string, options: SecretOptions, instance: number): string[] {
  const password = passwordText(options);
  const nodes =
    password === undefined
      ? certificateUser(region, 'STANDARD', nodeRights(region))
      : user(password, 'STANDARD', growing(nodeRights(region), ...mirrorChangeRequests));
  const { from, to } = followMapping(region);
  return [
    ...block(
      'accounts',
      'SYS {}',
      ...block(
        account,
        'jetstream: enabled',
        'users: [',
        ...nodes.map((line) => `  ${line}`),
        ']',
        ...(instance === 1 ? [`mappings: { ${quote(from)}: ${quote(to)} }`] : []),
      ),
    ),
    'system_account: SYS',
  ];
}

function growing({ publish, subscribe }: Rights, ...more: readonly string[]): Rights {
  return { publish: [...publish, growthRequest, ...more], subscribe };
}

const varz = '$SYS.REQ.SERVER.PING.VARZ';

type ConnectionKind = 'STANDARD' | 'LEAFNODE';

function certificateUser(region: string, kind: ConnectionKind, rights: Rights): string[] {
  return user(`user: ${quote(identityName(region))}`, kind, rights);
}

function user(name: string, kind: ConnectionKind, { publish, subscribe }: Rights): string[] {
  const rights = block(
    'permissions',
    ...longList('publish', publish),
    ...longList('subscribe', subscribe),
  );
  return block('', name, `allowed_connection_types: [${kind}]`, ...rights);
}
