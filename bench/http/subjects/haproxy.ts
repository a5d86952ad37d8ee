import { untilServing } from '../probe.ts';
import { describeSetup, type Setup, type Subject, transformation } from '../setup.ts';
import { freePorts, type Stage } from '../stage.ts';
import { findTool } from '../tools.ts';

/** HAProxy with one thread, tuned: shared upstream connections, and what Meridian does too. */
export async function startHaproxy(stage: Stage, setup: Setup): Promise<Subject> {
  const [httpPort, httpsPort] = (await freePorts(2)) as [number, number];
  const bind = setup.tls
    ? `127.0.0.1:${httpsPort} ssl crt ${setup.tls.both} alpn h2,http/1.1`
    : `127.0.0.1:${httpPort}`;
  const path = stage.write('haproxy.cfg', configText(stage, bind, setup));
  const program = stage.startSubject('haproxy', [findTool('haproxy')!, '-db', '-f', path]);
  const subject: Subject = {
    name: 'haproxy',
    program,
    httpPort,
    httpsPort: setup.tls ? httpsPort : 0,
    on: describeSetup(setup),
  };
  await untilServing(subject, setup);
  return subject;
}

function configText(stage: Stage, bind: string, setup: Setup): string {
  return `global
  nbthread 1
  maxconn 4000
  log stdout format raw local0
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ${setup.largeBodies ? 'tune.bufsize 65536' : ''}
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 60s
  timeout http-keep-alive 75s
  ${setup.largeBodies ? 'option splice-response' : ''}
  unique-id-format %[uuid()]
frontend clients
  bind ${bind}
  ${setup.accessLog ? logText : 'no log'}
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto ${setup.tls ? 'https' : 'http'}
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header Forwarded for=%[src];proto=${setup.tls ? 'https' : 'http'};host=\\"%[req.hdr(host)]\\"
  http-request set-header Via "1.1 haproxy"
  http-request set-header X-Request-Id %[unique-id]
  http-response set-header X-Request-Id %[unique-id]
  ${setup.transforms ? transformText() : ''}
  ${routingText(stage, setup)}
backend origin
  http-reuse always
  server origin 127.0.0.1:${setup.originPort} pool-max-conn 256
`;
}

/** Many routes are one look-up of host and path in a tree of prefixes. */
function routingText(stage: Stage, { routes }: Setup): string {
  const [first] = routes;
  if (routes.length === 1) return `use_backend origin if { path_beg ${first!.prefix}/ }`;
  const lines = routes.map(({ host, prefix }) => `${host}${prefix}/ origin\n`);
  const map = stage.write('routes.map', lines.join(''));
  return `use_backend %[base,map_beg(${map})]`;
}

const logText = `log global
  log-format '{"time":"%tr","requestId":"%ID","client":"%ci","method":"%HM","path":"%HPO","status":%ST,"bytes":%B,"ms":%Ta,"upstreamMs":%Tr,"upstream":"%b/%s"}'`;

function transformText(): string {
  const { request, response } = transformation;
  return `http-request set-header ${request.set.join(' ')}
  http-request del-header ${request.remove}
  http-response set-header ${response.set.join(' ')}
  http-response del-header ${response.remove}`;
}
