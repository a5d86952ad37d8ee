import assert from 'node:assert/strict';
import type { ConfigInput } from '../../src/config/schema/config.ts';
import { healthy } from '../../src/health/table.ts';
import { createAuthority, issueRegionIdentity } from '../../src/link/authority.ts';
import type { LinkIdentity } from '../../src/link/identity.ts';
import { freePort } from './free-ports.ts';
import { type StartedGateway, type StartOptions, startGateway } from './gateways.ts';
import { RawClient } from './raw-client.ts';
import { okResponse, RawOrigin } from './raw-origin.ts';

type RegionInput = NonNullable<ConfigInput['regions']>[string] & { readonly address: string };

export interface LinkedRegions<Name extends string> {
  /** In the order of the indexes of the health table. */
  readonly regions: Readonly<Record<Name, RegionInput>>;
  readonly http2?: boolean;
  readonly closeMs?: number;
  /** Of the service `s`, to whose endpoints all requests go. */
  readonly timeouts?: object;
}

/**
 * A deployment in the process of the test: of each region a gateway with its link port, and of each
 * that is no edge an origin that says `from REGION`. All believe each other healthy. The identities
 * are made once, for all worlds of a file.
 */
export async function linkedRegions<Name extends string>(deployment: LinkedRegions<Name>) {
  const { regions, http2 = false, closeMs, timeouts } = deployment;
  const names = Object.keys(regions) as Name[];
  const addresses = names.map((name) => regions[name].address);
  const withOrigin = names.filter((name) => regions[name].kind !== 'edge');
  const authority = await createAuthority();
  const identities = {} as Record<Name, LinkIdentity>;
  for (const name of names) {
    identities[name] = await issueRegionIdentity(authority, name, {
      addresses: [regions[name].address],
    });
  }

  /** @param adjust the configuration that this one of them has */
  async function world(adjust: (config: ConfigInput, name: Name) => void = () => {}) {
    const origins = {} as Record<Name, RawOrigin>;
    for (const name of withOrigin) {
      const origin = await RawOrigin.listen();
      origin.respond = (_request, socket) => void socket.write(okResponse(`from ${name}`));
      origins[name] = origin;
    }
    const linkPort = await freePort(...addresses);
    const endpoints = Object.fromEntries(
      withOrigin.map((name) => [name, [`127.0.0.1:${origins[name].port}`]]),
    );
    const configOf = (name: Name): ConfigInput => {
      const config: ConfigInput = structuredClone({
        regions,
        ports: { link: linkPort },
        services: { s: { endpoints, ...(timeouts && { timeouts }) } },
        routes: [{ name: 'all', service: 's' }],
      });
      adjust(config, name);
      return config;
    };
    const gateways = {} as Record<Name, StartedGateway>;
    for (const name of names) {
      const host = regions[name].address;
      const identity = identities[name];
      const listen = { http: { host, port: 0, http2 }, link: { host, port: linkPort, identity } };
      const setup: StartOptions = {
        ...{ config: configOf(name), region: name, identity, listen },
        limits: { dismissMs: 50, ...(closeMs !== undefined && { closeMs }) },
      };
      gateways[name] = await startGateway(setup);
      const { health } = gateways[name];
      for (const [index, other] of names.entries()) {
        health.setGateway(index, healthy);
        if (withOrigin.includes(other)) health.setService(0, index, healthy);
      }
    }
    const [first] = names as [Name];
    const client = await RawClient.connect(gateways[first].port, regions[first].address);
    return {
      ...{ origins, gateways, client, linkPort, configOf },
      async [Symbol.asyncDispose]() {
        client.close();
        for (const name of names) {
          await gateways[name].gateway.close();
          assert.deepEqual(gateways[name].defects, []);
        }
        for (const name of withOrigin) await origins[name].close();
      },
    };
  }
  return { authority, identities, world };
}
