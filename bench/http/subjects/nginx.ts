import { join } from 'node:path';
import { untilServing } from '../probe.ts';
import {
  type BenchRoute,
  describeSetup,
  type Setup,
  type Subject,
  transformation,
} from '../setup.ts';
import { freePorts, type Stage } from '../stage.ts';
import { findTool } from '../tools.ts';

/** nginx with one worker, tuned: pooled upstream connections, and what Meridian does too. */
export async function startNginx(stage: Stage, setup: Setup): Promise<Subject> {
  const [httpPort, httpsPort] = (await freePorts(2)) as [number, number];
  const listen = setup.tls ? `127.0.0.1:${httpsPort} ssl http2` : `127.0.0.1:${httpPort}`;
  const text = proxyText(stage.directory, listen, setup);
  const program = stage.startSubject('nginx', nginxCommand(stage, 'nginx', text));
  const subject: Subject = {
    name: 'nginx',
    program,
    httpPort,
    httpsPort: setup.tls ? httpsPort : 0,
    on: describeSetup(setup),
  };
  await untilServing(subject, setup);
  return subject;
}

/** What every nginx of the bench needs; `http` is open behind it. */
export function nginxMain(directory: string, name: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off; master_process off; worker_processes 1;
pid ${directory}/${name}.pid; error_log stderr error; worker_rlimit_nofile 100000;
events { worker_connections 50000; }
http {
  sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_timeout 300s;
  ${temporary.map((kind) => `${kind}_temp_path ${directory}/${name}-${kind};`).join(' ')}`;
}

export function nginxCommand(stage: Stage, name: string, text: string): string[] {
  const path = stage.write(`${name}.conf`, text);
  const startLog = join(stage.directory, `${name}-start.log`);
  return [findTool('nginx')!, '-e', startLog, '-c', path, '-p', stage.directory];
}

function proxyText(directory: string, listen: string, setup: Setup): string {
  const hosts = Map.groupBy(setup.routes, ({ host }) => host ?? '_');
  const servers = [...hosts].map(([host, routes]) => serverText(listen, host, routes, setup));
  return `${nginxMain(directory, 'nginx')}
  server_names_hash_max_size 4096; variables_hash_max_size 2048;
  ${setup.accessLog ? logText(directory) : 'access_log off;'}
  ${setup.tls ? tlsText(setup.tls) : ''}
  ${setup.largeBodies ? 'proxy_buffers 16 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;' : ''}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header Forwarded "for=$remote_addr;proto=$scheme;host=\\"$http_host\\"";
  proxy_set_header Via "1.1 nginx";
  proxy_set_header X-Request-Id $request_id;
  add_header X-Request-Id $request_id;
  ${setup.transforms ? transformText() : ''}
  upstream origin { server 127.0.0.1:${setup.originPort}; keepalive 256; keepalive_requests 100000000; }
${servers.join('\n')}
}`;
}

function serverText(
  listen: string,
  host: string,
  routes: readonly BenchRoute[],
  { accessLog }: Setup,
): string {
  const locations = routes.map(({ name, prefix }) => {
    const logged = accessLog ? `set $route ${name}; ` : '';
    return `    location ${prefix}/ { ${logged}proxy_pass http://origin; }`;
  });
  return `  server {
    listen ${listen}; server_name ${host};
    location / { return 404; }
${locations.join('\n')}
  }`;
}

function logText(directory: string): string {
  return `map $host $route { default ""; }
  log_format requests escape=json '{"time":"$time_iso8601","requestId":"$request_id","client":"$remote_addr","method":"$request_method","host":"$host","path":"$uri","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,"upstreamSeconds":"$upstream_response_time","upstream":"$upstream_addr","route":"$route"}';
  access_log ${directory}/nginx-access.log requests buffer=64k flush=1s;`;
}

function tlsText({ certificate, key }: NonNullable<Setup['tls']>): string {
  return `ssl_certificate ${certificate}; ssl_certificate_key ${key};
  ssl_protocols TLSv1.3; ssl_session_cache shared:tls:10m; ssl_buffer_size 4k;`;
}

function transformText(): string {
  const { request, response } = transformation;
  return `proxy_set_header ${request.set.join(' ')}; proxy_set_header ${request.remove} "";
  add_header ${response.set.join(' ')}; proxy_hide_header ${response.remove};`;
}
