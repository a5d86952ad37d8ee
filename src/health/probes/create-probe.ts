import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import type { Probe } from '../prober.ts';
import type { ProbeCheck, ProbeTarget } from '../targets.ts';
import { Attempt, type Conversation } from './attempt.ts';
import { certificateCheckOf, serverNameOf, TrustStore } from './certificate.ts';
import { grpcConversation } from './grpc.ts';
import { httpConversation } from './http.ts';
import { metricConversation } from './metric.ts';
import { createCounterProbe, type Traffic } from './own-counters.ts';
import { tcpConversation } from './tcp.ts';
import { tlsConversation } from './tls.ts';

/** Probes over real sockets, one connection each: they share none with traffic. */
export function createProbe(
  clock: Clock,
  traffic: () => Traffic | undefined = () => undefined,
): Probe {
  const trust = new TrustStore();
  const probeCounters = createCounterProbe(clock, traffic);
  return (target, done) => {
    const { check } = target;
    if (check.type === 'metric' && check.counter !== undefined) return probeCounters(target, done);
    const conversation = conversationOf(target, clock);
    const attempt = new Attempt(target, dial(target, trust), conversation, clock, done);
    return () => attempt.end();
  };
}

function conversationOf({ check }: ProbeTarget, clock: Clock): Conversation {
  switch (check.type) {
    case 'tcp':
      return tcpConversation;
    case 'tls':
      return tlsConversation(clock);
    case 'http':
    case 'https':
      return httpConversation(check, clock);
    case 'grpc':
      return grpcConversation(check);
    case 'metric':
      return metricConversation(check);
  }
}

function dial(target: ProbeTarget, trust: TrustStore) {
  const { host, port, check, authority } = target;
  if (!certificateCheckOf(check)) return connect({ host, port, noDelay: true });
  const servername = serverNameOf(target);
  return connectSecurely({
    host,
    port,
    ...(servername === undefined ? {} : { servername }),
    ALPNProtocols: protocolsOf(check),
    secureContext: trust.contextOf(authority),
    // Judged when the handshake is done, before anything is said, where its dates can be told.
    rejectUnauthorized: false,
  });
}

function protocolsOf({ type }: ProbeCheck): string[] {
  if (type === 'grpc') return ['h2'];
  return type === 'tls' ? [] : ['http/1.1'];
}
