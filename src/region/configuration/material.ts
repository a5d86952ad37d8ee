import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { servesData } from '../../config/data-places.ts';
import { probeAuthorityPlaces } from '../../config/files.ts';
import {
  type CertificatePlaces,
  clientListeners,
  dotTls,
  type ListenerTls,
} from '../../config/listeners.ts';
import type { Config } from '../../config/schema/config.ts';
import type { UpstreamTlsConfig } from '../../config/schema/tls.ts';
import type { KeyPair } from '../../gateway/listener/tls-settings.ts';
import type { UpstreamMaterial } from '../../gateway/upstream/upstream-tls.ts';
import { type LinkIdentity, regionOfCertificate } from '../../link/identity.ts';
import { secretName } from '../../secrets/reference.ts';
import { loadDataTokens, type TokenPlace } from './data-tokens.ts';
import { invalid, type MaterialAccess, PemTexts } from './pem-texts.ts';

export type { MaterialAccess, MaterialErrorCode } from './pem-texts.ts';

/** What one listener proves itself with, and whom it believes. PEM texts. */
export interface ListenerMaterial {
  /** At least one; the first is the default. */
  readonly certificates: readonly KeyPair[];
  readonly clientAuthority?: string | undefined;
}

/** What a region proves who it is with. Secret: never logged, never shown. */
export interface Material {
  /** By the names of listeners over TLS; one without is not listened on. */
  readonly listeners: Readonly<Record<string, ListenerMaterial>>;
  /** For the inter-region link; without it the region stands alone. */
  readonly identity: LinkIdentity | undefined;
  /** By the names of services that are spoken to over TLS. */
  readonly upstreams: Readonly<Record<string, UpstreamMaterial>>;
  /** What cookies that keep clients at an endpoint are signed with, by the names of services. */
  readonly cookieSecrets: Readonly<Record<string, string>>;
  /** Keys of zones that are signed, by zone. */
  readonly zoneKeys: Readonly<Record<string, string>>;
  /** Of `dns.transferKeys`, in base64. */
  readonly transferSecrets: Readonly<Record<string, string>>;
  /** What services show to the data API, by their names; none where that is not served. */
  readonly dataTokens?: Readonly<Record<string, string>> | undefined;
  /** What DNS over TLS proves itself with; without it is not spoken. */
  readonly dnsOverTls?: ListenerMaterial | undefined;
  /** What DNS cookies are made with, where the configuration names it. */
  readonly dnsCookieSecret?: string | undefined;
  /** Who signs the certificates of what is probed, by the place that the configuration names. */
  readonly probeAuthorities?: Readonly<Record<string, string>> | undefined;
}

export const noMaterial: Material = Object.freeze({
  listeners: {},
  identity: undefined,
  upstreams: {},
  cookieSecrets: {},
  zoneKeys: {},
  transferSecrets: {},
});

export interface LoadedMaterial {
  readonly material: Material;
  /** Certificates that expire soon and the like, a sentence each. */
  readonly doubts: readonly string[];
}

/** The part of a configuration that names certificates and keys. */
type Naming = Pick<
  Config,
  'ports' | 'regions' | 'listeners' | 'tls' | 'services' | 'identity' | 'zones' | 'dns' | 'data'
>;

/** Binds the keys in a snapshot to their node. */
export function materialContext(region: string, node: string): string {
  return `snapshot/${region}/${node}`;
}

/** Reads back what was written as JSON, also by a version that knew one certificate only. */
export function parseMaterial(json: string): Material {
  const parsed = JSON.parse(json) as Partial<Material> & { https?: KeyPair };
  const { https, listeners, identity, upstreams, cookieSecrets, zoneKeys, transferSecrets } =
    parsed;
  const { dnsOverTls, dnsCookieSecret, dataTokens, probeAuthorities } = parsed;
  return {
    listeners: listeners ?? (https ? { https: { certificates: [https] } } : {}),
    identity,
    upstreams: upstreams ?? {},
    cookieSecrets: cookieSecrets ?? {},
    zoneKeys: zoneKeys ?? {},
    transferSecrets: transferSecrets ?? {},
    ...(dnsOverTls !== undefined && { dnsOverTls }),
    ...(dnsCookieSecret !== undefined && { dnsCookieSecret }),
    ...(dataTokens && { dataTokens }),
    ...(probeAuthorities && { probeAuthorities }),
  };
}

/**
 * Reads the certificates and keys that the configuration names, or else those in the
 * state directory (`tls/cert.pem`, `identity/ca.pem`, …) where a stack puts them. Sealed
 * files are opened.
 *
 * @throws MeridianError `material_unreadable` or `material_invalid`, naming the place; and
 *   what opening a secret throws.
 */
export async function loadMaterial(
  config: Naming,
  region: string,
  stateDirectory: string,
  access: MaterialAccess,
  nowMs = systemClock.wallMs(),
): Promise<LoadedMaterial> {
  const texts = new PemTexts(access, nowMs);
  const places = new MaterialPlaces(region, stateDirectory);
  const listeners: Record<string, ListenerMaterial> = {};
  for (const { name, tls } of clientListeners(config)) {
    const material = tls && (await loadListener(name, tls, places, texts));
    if (material) listeners[name] = material;
  }
  const upstreams: Record<string, UpstreamMaterial> = {};
  const cookieSecrets: Record<string, string> = {};
  for (const [name, { tls, balancing }] of Object.entries(config.services)) {
    if (tls) upstreams[name] = await loadUpstream(tls, places, texts);
    if (balancing.type !== 'sticky') continue;
    cookieSecrets[name] = await texts.text(places.place(balancing.secret));
  }
  const zoneKeys: Record<string, string> = {};
  for (const [name, { dnssec }] of Object.entries(config.zones)) {
    if (dnssec) zoneKeys[name] = await texts.text(places.place(dnssec.keys));
  }
  const transferSecrets: Record<string, string> = {};
  for (const [name, { secret }] of Object.entries(config.dns.transferKeys)) {
    transferSecrets[name] = await texts.text(places.place(secret));
  }
  const identity = await identityOf(config, region, places, texts);
  const dot = dotTls(config);
  const dnsOverTls = dot && (await loadListener('dot', dot, places, texts));
  const dnsCookieSecret = await dnsCookieSecretOf(config, places, texts);
  const dataTokens = await loadDataTokens(places.dataTokens(config), texts);
  const probeAuthorities: Record<string, string> = {};
  for (const place of probeAuthorityPlaces(config)) {
    probeAuthorities[place] = await texts.authority(places.place(place));
  }
  const material = {
    listeners,
    identity,
    upstreams,
    cookieSecrets,
    zoneKeys,
    transferSecrets,
    ...(dnsOverTls && { dnsOverTls }),
    ...(dnsCookieSecret !== undefined && { dnsCookieSecret }),
    ...(Object.keys(dataTokens).length > 0 && { dataTokens }),
    ...(Object.keys(probeAuthorities).length > 0 && { probeAuthorities }),
  };
  return { material, doubts: texts.doubts };
}

/** Only what the region proves itself with to other regions. @throws as `loadMaterial` */
export function loadIdentity(
  config: Pick<Config, 'identity'>,
  region: string,
  stateDirectory: string,
  access: MaterialAccess,
): Promise<LinkIdentity | undefined> {
  const texts = new PemTexts(access, systemClock.wallMs());
  return identityOf(config, region, new MaterialPlaces(region, stateDirectory), texts);
}

/** The files that material is read from, whether or not they exist. */
export function materialFiles(config: Naming, region: string, stateDirectory: string): string[] {
  const places = new MaterialPlaces(region, stateDirectory);
  const pairs = [places.identity(config)];
  const others = [places.authority(config)];
  for (const tls of [dotTls(config), ...clientListeners(config).map((plan) => plan.tls)]) {
    if (!tls) continue;
    pairs.push(...(tls.certificates?.map((pair) => places.pair(pair)) ?? [places.ownTls]));
    const { clientCertificates } = tls.settings;
    if (clientCertificates) others.push(places.place(clientCertificates.authority));
  }
  for (const { tls, balancing } of Object.values(config.services)) {
    const secret = balancing.type === 'sticky' ? balancing.secret : undefined;
    for (const place of [tls?.authority, tls?.certificate, tls?.key, secret]) {
      if (place !== undefined) others.push(places.place(place));
    }
  }
  for (const { dnssec } of Object.values(config.zones)) {
    if (dnssec) others.push(places.place(dnssec.keys));
  }
  for (const { secret } of Object.values(config.dns.transferKeys)) {
    others.push(places.place(secret));
  }
  if (typeof config.dns.cookies === 'object') others.push(places.place(config.dns.cookies.secret));
  others.push(...[...places.dataTokens(config).values()].map(({ place }) => place));
  others.push(...probeAuthorityPlaces(config).map((place) => places.place(place)));
  const all = [...pairs.flatMap(({ certificate, key }) => [certificate, key]), ...others];
  return [...new Set(all)].filter((place) => secretName(place) === undefined);
}

/** Where texts stand for this region. */
class MaterialPlaces {
  readonly #region: string;
  readonly #stateDirectory: string;

  constructor(region: string, stateDirectory: string) {
    this.#region = region;
    this.#stateDirectory = stateDirectory;
  }

  place(named: string): string {
    return named.replaceAll('{region}', this.#region);
  }

  pair({ certificate, key }: CertificatePlaces): CertificatePlaces {
    return { certificate: this.place(certificate), key: this.place(key) };
  }

  /** Where a stack puts the certificate for HTTPS. */
  get ownTls(): CertificatePlaces {
    return this.#inState('tls');
  }

  identity({ identity }: Pick<Config, 'identity'>): CertificatePlaces {
    return identity ? this.pair(identity) : this.#inState('identity');
  }

  /** By the names of services; where none is named, where a stack puts it. */
  dataTokens(config: Pick<Config, 'regions' | 'data'>): ReadonlyMap<string, TokenPlace> {
    const tokens = servesData(config, this.#region) ? Object.entries(config.data.tokens) : [];
    return new Map(
      tokens.map(([name, { token }]) => {
        const made = join(this.#stateDirectory, 'data', `${name}.token`);
        const isOwn = token === undefined;
        return [name, { place: isOwn ? made : this.place(token), isOwn }];
      }),
    );
  }

  authority({ identity }: Pick<Config, 'identity'>): string {
    if (identity) return this.place(identity.authority);
    return join(this.#stateDirectory, 'identity', 'ca.pem');
  }

  #inState(folder: string): CertificatePlaces {
    const file = (name: string) => join(this.#stateDirectory, folder, name);
    return { certificate: file('cert.pem'), key: file('key.pem') };
  }
}

async function loadListener(
  name: string,
  { settings, certificates: named }: ListenerTls,
  places: MaterialPlaces,
  texts: PemTexts,
): Promise<ListenerMaterial | undefined> {
  const certificates: KeyPair[] = [];
  for (const pair of named ?? []) certificates.push(await texts.pair(places.pair(pair)));
  if (!named) {
    const own = await texts.pairIfThere(places.ownTls);
    if (own) certificates.push(own);
    else if (name === 'https') return undefined;
    else invalid(`the listener ${name} has no certificate: name one under \`tls\``);
  }
  const { clientCertificates } = settings;
  const clientAuthority =
    clientCertificates && (await texts.authority(places.place(clientCertificates.authority)));
  return { certificates, ...(clientAuthority === undefined ? {} : { clientAuthority }) };
}

/** Fewer characters could be guessed from one cookie. */
const leastSecretCharacters = 16;

async function dnsCookieSecretOf(
  { dns }: Pick<Config, 'dns'>,
  places: MaterialPlaces,
  texts: PemTexts,
): Promise<string | undefined> {
  if (typeof dns.cookies !== 'object') return undefined;
  const place = places.place(dns.cookies.secret);
  const text = (await texts.text(place)).trim();
  if (text.length < leastSecretCharacters) {
    invalid(`${place} is too short for DNS cookies: expected 16 characters or more`);
  }
  return text;
}

async function loadUpstream(
  { authority, certificate, key }: UpstreamTlsConfig,
  places: MaterialPlaces,
  texts: PemTexts,
): Promise<UpstreamMaterial> {
  return {
    ...(authority === undefined ? {} : { ca: await texts.authority(places.place(authority)) }),
    ...(certificate !== undefined && key !== undefined
      ? await texts.pair(places.pair({ certificate, key }))
      : {}),
  };
}

async function identityOf(
  config: Pick<Config, 'identity'>,
  region: string,
  places: MaterialPlaces,
  texts: PemTexts,
): Promise<LinkIdentity | undefined> {
  const pairPlaces = places.identity(config);
  const pair = config.identity ? await texts.pair(pairPlaces) : await texts.pairIfThere(pairPlaces);
  if (!pair) return undefined;
  const named = regionOfCertificate({
    subjectaltname: new X509Certificate(pair.cert).subjectAltName ?? '',
  });
  if (named !== region) {
    const whose = named === undefined ? 'no region' : `region "${named}"`;
    invalid(`the identity certificate names ${whose}, where "${region}" is needed`);
  }
  return { ca: await texts.authority(places.authority(config)), ...pair };
}
