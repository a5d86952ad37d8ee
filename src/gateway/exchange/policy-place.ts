import { findField } from '../http1/fields.ts';
import type { ClientCertificate } from '../listener/client-certificate.ts';
import { certificateField, readCertificateField } from '../listener/relayed-certificate.ts';
import type { RoutePlan } from '../snapshot.ts';
import type { Exchange } from './exchange.ts';

/*
 * Where the policies of a route run:
 *
 *   client ──▶ region ─────────────▶ region       in the first region
 *              policies
 *
 *   client ──▶ edge ───────────────▶ region       in the region: an edge holds no secrets of
 *                    policies due    policies     services and runs no code of operators
 *
 *   client ──▶ edge: redirect, respond            at the edge: nothing goes further
 *              policies
 *
 * An edge says of each request that they are due, since its revision may not have those that the
 * region has by now; and they are due where the region holds the other side for an edge, whatever
 * that says. Revisions that disagree may so run policies twice, but never pass them over.
 */
const dueKey = 'meridian-policies';
const due = 'due';
const certificateKey = 'meridian-client-certificate';

/** Whether the policies of the route are for this gateway to run. */
export function runPoliciesHere(exchange: Exchange, { backends }: RoutePlan): boolean {
  if (exchange.relayed) return arePoliciesDue(exchange);
  return !exchange.generation.isEdge || backends.length === 0;
}

function arePoliciesDue({ client, generation, head }: Exchange): boolean {
  return generation.edges.has(client.origin.peerRegion!) || findField(head.fields, dueKey) === due;
}

/** What an edge tells the region, which may have policies to run. */
export function dueLines({ client }: Exchange): string {
  const { clientCertificate } = client.origin;
  const lines = `Meridian-Policies: ${due}\r\n`;
  if (!clientCertificate) return lines;
  return `${lines}Meridian-Client-Certificate: ${certificateField(clientCertificate)}\r\n`;
}

/**
 * What the client proved to the gateway that it came to.
 *
 * @throws SyntaxError, or ZodError, where that gateway told something else
 */
export function provedCertificate({ client, head }: Exchange): ClientCertificate | undefined {
  const { origin } = client;
  if (origin.peerRegion === undefined) return origin.clientCertificate;
  const told = findField(head.fields, certificateKey);
  return told === undefined ? undefined : readCertificateField(told);
}
