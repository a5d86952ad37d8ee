import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namesCertificates } from '../config/listeners.ts';
import type { Config } from '../config/schema/config.ts';
import {
  type Authority,
  createAuthority,
  issueRegionIdentity,
  issueServerCertificate,
} from '../link/authority.ts';
import { linkServerName } from '../link/identity.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import { stackNodes } from './plan/nodes.ts';
import type { StackLayout } from './state/layout.ts';
import { replaceFile } from './state/private-file.ts';
import { readSealed, writeSealed } from './state/sealed-file.ts';

const renewBeforeMs = 30 * 86_400_000;

/** What a certificate must speak for. */
interface Subject {
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
}

/** What is the same for every certificate of one start. */
interface Issuing {
  readonly ring: KeyRing;
  readonly now: Date;
}

/**
 * Makes what the regions prove themselves with, on first start: a development CA, and for
 * each node an identity of its region on the inter-region link and a certificate for its
 * HTTPS listener. Later starts keep them, seal their keys anew, and issue anew what is
 * damaged, from another CA, within 30 days of its end or for other names than wanted now.
 * What the configuration brings itself is left to it.
 *
 * @throws SecretError `secret_key_wrong` when the ring does not open the keys that are there.
 */
export async function issueCertificates(
  config: Config,
  layout: StackLayout,
  ring: KeyRing,
  now = new Date(),
): Promise<void> {
  const issuing = { ring, now };
  const authority = await keepAuthority(layout, issuing);
  for (const { region, name, address, bind } of stackNodes(config)) {
    const addresses = [...new Set([address, bind])];
    const { identity, tls } = layout.region(region).node(name);
    if (!config.identity) await keepIdentity(identity, authority, region, addresses, issuing);
    if (namesCertificates(config)) continue;
    // Clients may come by a load balancer, at the address of the region.
    const reached = [...new Set([...addresses, config.regions[region]!.address])];
    await keepServerCertificate(tls, authority, httpsSubject(config, reached), issuing);
  }
}

/** Every host that a client may ask a node for by HTTPS. */
export function httpsSubject(config: Config, addresses: readonly string[]): Subject {
  const hosts = config.routes.flatMap((route) => route.hosts ?? []);
  const zones = Object.keys(config.zones).flatMap((zone) => [zone, `*.${zone}`]);
  const names = [...hosts, ...zones, 'localhost'].map((name) => name.replace(/\.$/, ''));
  // Names of the link's own domain are identities of regions, never of a web server.
  const dnsNames = new Set(names.filter((name) => !/\.meridian\.internal$/i.test(name)));
  return { dnsNames: [...dnsNames], addresses };
}

async function keepAuthority(layout: StackLayout, { ring, now }: Issuing): Promise<Authority> {
  const { authority: directory } = layout;
  const keyPath = join(directory, 'ca-key.pem');
  const cert = readText(join(directory, 'ca.pem'));
  const key = readSealed(keyPath, ring);
  const certificate = parse(cert);
  if (cert && key && certificate && fits(certificate, key) && outlives(certificate, now)) {
    writeSealed(keyPath, ring, key);
    return { cert, key };
  }
  const authority = await createAuthority(now);
  makeFolder(directory);
  writeSealed(keyPath, ring, authority.key);
  replaceFile(join(directory, 'ca.pem'), authority.cert);
  return authority;
}

async function keepIdentity(
  directory: string,
  authority: Authority,
  region: string,
  addresses: readonly string[],
  { ring, now }: Issuing,
): Promise<void> {
  const wanted = { dnsNames: [linkServerName(region)], addresses };
  if (hasAuthority(directory, authority) && keep(directory, authority, wanted, { ring, now })) {
    return;
  }
  const issued = await issueRegionIdentity(authority, region, { addresses, now });
  makeFolder(directory);
  replaceFile(join(directory, 'ca.pem'), issued.ca);
  writePair(directory, issued, ring);
}

async function keepServerCertificate(
  directory: string,
  authority: Authority,
  wanted: Subject,
  { ring, now }: Issuing,
): Promise<void> {
  if (keep(directory, authority, wanted, { ring, now })) return;
  const { dnsNames, addresses } = wanted;
  makeFolder(directory);
  writePair(directory, await issueServerCertificate(authority, dnsNames, addresses, now), ring);
}

/** Seals the key of a pair anew. False when the pair is not good for what is wanted. */
function keep(
  directory: string,
  authority: Authority,
  wanted: Subject,
  { ring, now }: Issuing,
): boolean {
  const keyPath = join(directory, 'key.pem');
  const certificate = parse(readText(join(directory, 'cert.pem')));
  const key = readSealed(keyPath, ring);
  if (!certificate || !key || !fits(certificate, key) || !outlives(certificate, now)) return false;
  if (!certificate.verify(new X509Certificate(authority.cert).publicKey)) return false;
  const names = [
    ...wanted.dnsNames.map((name) => `DNS:${name}`),
    ...wanted.addresses.map((address) => `IP Address:${address}`),
  ];
  if (!sameSet(namesIn(certificate), names)) return false;
  writeSealed(keyPath, ring, key);
  return true;
}

/** One file at a time: a crash between two leaves a pair that does not fit, which is issued anew. */
function writePair(directory: string, pair: { cert: string; key: string }, ring: KeyRing): void {
  writeSealed(join(directory, 'key.pem'), ring, pair.key);
  replaceFile(join(directory, 'cert.pem'), pair.cert);
}

function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

function hasAuthority(directory: string, authority: Authority): boolean {
  return readText(join(directory, 'ca.pem')) === authority.cert;
}

function outlives(certificate: X509Certificate, now: Date): boolean {
  return certificate.validToDate.getTime() - now.getTime() > renewBeforeMs;
}

function namesIn(certificate: X509Certificate): string[] {
  return certificate.subjectAltName?.split(', ') ?? [];
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return new Set(a).size === new Set(b).size && a.every((member) => b.includes(member));
}

function parse(pem: string | undefined): X509Certificate | undefined {
  try {
    return pem === undefined ? undefined : new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function fits(certificate: X509Certificate, keyPem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
