import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/schema/config.ts';
import {
  type Authority,
  createAuthority,
  issueRegionIdentity,
  issueServerCertificate,
} from '../link/authority.ts';
import { linkServerName } from '../link/identity.ts';
import type { StackLayout } from './state/layout.ts';
import { replaceFile } from './state/private-file.ts';

const renewBeforeMs = 30 * 86_400_000;

/** What a certificate must speak for. */
interface Subject {
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
}

/**
 * Makes what the regions prove themselves with, on first start: a development CA, an
 * identity for each region on the inter-region link, a certificate for each HTTPS
 * listener. Later starts keep them, and issue anew what is damaged, from another CA,
 * within 30 days of its end or for other names than wanted now. What the configuration
 * brings itself is left to it.
 */
export async function issueCertificates(
  config: Config,
  layout: StackLayout,
  now = new Date(),
): Promise<void> {
  const authority = await keepAuthority(layout, now);
  for (const [region, { address, bind }] of Object.entries(config.regions)) {
    const addresses = [...new Set([address, bind ?? address])];
    const { identity, tls } = layout.region(region);
    if (!config.identity) await keepIdentity(identity, authority, region, addresses, now);
    if (!config.tls)
      await keepServerCertificate(tls, authority, httpsSubject(config, addresses), now);
  }
}

/** Every host that a client may ask this region for by HTTPS. */
export function httpsSubject(config: Config, addresses: readonly string[]): Subject {
  const hosts = config.routes.flatMap((route) => route.hosts ?? []);
  const zones = Object.keys(config.zones).flatMap((zone) => [zone, `*.${zone}`]);
  const names = [...hosts, ...zones, 'localhost'].map((name) => name.replace(/\.$/, ''));
  // Names of the link's own domain are identities of regions, never of a web server.
  const dnsNames = new Set(names.filter((name) => !/\.meridian\.internal$/i.test(name)));
  return { dnsNames: [...dnsNames], addresses };
}

async function keepAuthority({ authority: directory }: StackLayout, now: Date): Promise<Authority> {
  const certPath = join(directory, 'ca.pem');
  const keyPath = join(directory, 'ca-key.pem');
  const cert = readText(certPath);
  const key = readText(keyPath);
  const certificate = parse(cert);
  if (cert && key && certificate && fits(certificate, key) && outlives(certificate, now)) {
    return { cert, key };
  }
  const authority = await createAuthority(now);
  write(directory, { 'ca-key.pem': authority.key, 'ca.pem': authority.cert });
  return authority;
}

async function keepIdentity(
  directory: string,
  authority: Authority,
  region: string,
  addresses: readonly string[],
  now: Date,
): Promise<void> {
  const wanted = { dnsNames: [linkServerName(region)], addresses };
  if (isGood(directory, authority, wanted, now) && hasAuthority(directory, authority)) return;
  const { ca, cert, key } = await issueRegionIdentity(authority, region, { addresses, now });
  write(directory, { 'ca.pem': ca, 'key.pem': key, 'cert.pem': cert });
}

async function keepServerCertificate(
  directory: string,
  authority: Authority,
  wanted: Subject,
  now: Date,
): Promise<void> {
  if (isGood(directory, authority, wanted, now)) return;
  const { dnsNames, addresses } = wanted;
  const { cert, key } = await issueServerCertificate(authority, dnsNames, addresses, now);
  write(directory, { 'key.pem': key, 'cert.pem': cert });
}

function isGood(directory: string, authority: Authority, wanted: Subject, now: Date): boolean {
  const certificate = parse(readText(join(directory, 'cert.pem')));
  if (!certificate || !fits(certificate, readText(join(directory, 'key.pem')))) return false;
  if (!outlives(certificate, now)) return false;
  if (!certificate.verify(new X509Certificate(authority.cert).publicKey)) return false;
  return sameSet(namesIn(certificate), [
    ...wanted.dnsNames.map((name) => `DNS:${name}`),
    ...wanted.addresses.map((address) => `IP Address:${address}`),
  ]);
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

function fits(certificate: X509Certificate, keyPem: string | undefined): boolean {
  try {
    return keyPem !== undefined && certificate.checkPrivateKey(createPrivateKey(keyPem));
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

/** One file at a time: a crash between two leaves a pair that does not fit, which is issued anew. */
function write(directory: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) replaceFile(join(directory, name), text);
}
