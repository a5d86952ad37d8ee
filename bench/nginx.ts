import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const main = (directory: string, name: string) => `
daemon off; master_process off; worker_processes 1; pid ${directory}/${name}.pid;
error_log ${directory}/${name}.log warn;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000; keepalive_timeout 75s;
  client_body_temp_path ${directory}/${name}-body; proxy_temp_path ${directory}/${name}-proxy;
  fastcgi_temp_path ${directory}/${name}-f; uwsgi_temp_path ${directory}/${name}-u; scgi_temp_path ${directory}/${name}-s;`;

/** An origin that answers every request with `body` as JSON. Returns the command. */
export function nginxOrigin(directory: string, port: number, body: string): string[] {
  return write(
    directory,
    'origin',
    `${main(directory, 'origin')}
  server { listen 127.0.0.1:${port}; default_type application/json; location / { return 200 '${body}'; } }
}`,
  );
}

/**
 * A reverse proxy as an operator would tune it: pooled upstream connections, HTTP/1.1, the
 * forwarding fields that Meridian sets, a request id, no access log. Returns the command.
 */
export function nginxProxy(directory: string, port: number, originPort: number): string[] {
  return write(
    directory,
    'proxy',
    `${main(directory, 'proxy')}
  upstream origin { server 127.0.0.1:${originPort}; keepalive 128; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location /v1/ {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
      proxy_set_header X-Request-Id $request_id;
      add_header X-Request-Id $request_id;
    }
  }
}`,
  );
}

function write(directory: string, name: string, text: string): string[] {
  const path = join(directory, `${name}.conf`);
  writeFileSync(path, text);
  return ['nginx', '-e', join(directory, `${name}-start.log`), '-c', path, '-p', directory];
}
