/** Reverse proxies in front of one nginx, each with connections kept open on both sides: what `bench/gateway.ts` compares. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commands, type Runtime, runtimes } from './contenders.ts'
import type { Contender } from './process.ts'

export const paths = { small: '/', large: '/large', post: '/post' } as const
const largeBytes = 100 * 1024

/** Written into a folder that is the run's own. */
function kept(folder: string, name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const nginxConf = (folder: string, http: string) => `daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'error.log')} crit;
events { worker_connections 8192; }
http {
  access_log off;
  default_type text/plain;
  keepalive_requests 1000000000;
  client_body_temp_path ${join(folder, 'body')};
  proxy_temp_path ${join(folder, 'proxy')};
  fastcgi_temp_path ${join(folder, 'fastcgi')};
  uwsgi_temp_path ${join(folder, 'uwsgi')};
  scgi_temp_path ${join(folder, 'scgi')};
${http}
}
`

/** `master_process off`: the process that is started is the one that works. */
function nginx(folder: string, name: string, http: (port: number, own: string) => string): Contender {
  const own = join(folder, name)
  mkdirSync(own, { recursive: true })
  return {
    name: 'nginx',
    command: (port) => [
      'nginx',
      '-e',
      join(own, 'error.log'),
      '-c',
      kept(own, `${port}.conf`, nginxConf(own, http(port, own))),
    ],
  }
}

/** 13 bytes, 100 KB from a file, and an answer to a body that is read. */
export function backend(folder: string): Contender {
  return nginx(folder, 'backend', (port, own) => {
    kept(own, 'large', 'x'.repeat(largeBytes))
    return `  keepalive_timeout 1h;
  sendfile on;
  tcp_nopush on;
  server {
    listen 127.0.0.1:${port};
    root ${own};
    location = ${paths.small} { return 200 "hello, world\\n"; }
    location = ${paths.post} { return 200 "hello, world\\n"; }
  }`
  })
}

const nginxProxy = (folder: string, to: number): Contender =>
  nginx(
    folder,
    'nginx',
    (port) => `  upstream backend {
    server 127.0.0.1:${to};
    keepalive 256;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }`,
  )

const haproxy = (folder: string, to: number): Contender => ({
  name: 'HAProxy',
  command: (port) => [
    'haproxy',
    '-db',
    '-f',
    kept(
      folder,
      `haproxy-${port}.cfg`,
      `global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
  http-reuse always
frontend front
  bind 127.0.0.1:${port}
  http-request set-header X-Forwarded-Proto http
  default_backend back
backend back
  server one 127.0.0.1:${to}
`,
    ),
  ],
})

const caddy = (folder: string, to: number): Contender => ({
  name: 'Caddy',
  command: (port) => [
    'env',
    'GOMAXPROCS=1',
    `HOME=${folder}`,
    'caddy',
    'run',
    '--adapter',
    'caddyfile',
    '--config',
    kept(
      folder,
      `Caddyfile-${port}`,
      `{
  admin off
  auto_https off
  log {
    output discard
  }
}
http://127.0.0.1:${port} {
  reverse_proxy 127.0.0.1:${to} {
    transport http {
      keepalive_idle_conns_per_host 256
    }
  }
}
`,
    ),
  ],
})

/** Everything on that a request meets without TLS: several routes, both kinds of health checks, limits of clients, buffering. */
const gatewayFile = (to: number) => ({
  groups: {
    app: { to: `http://127.0.0.1:${to}`, check: { path: paths.small } },
    admin: { to: `http://127.0.0.1:${to}` },
  },
  routes: [
    { host: 'admin.example.com', to: 'admin' },
    { path: '/admin', to: 'admin', strip: true },
    { to: 'app', maxBodyBytes: '10mb' },
  ],
  clients: { maxConnections: 10_000, requestsPerSec: 1_000_000, burst: 100_000 },
})

export const hangup = (
  folder: string,
  to: number,
  runtime: Runtime,
  flags: readonly string[] = [],
  cli = 'src/cli.ts',
): Contender => ({
  name: `hangup on ${runtime}`,
  command: (port) => [
    ...commands[runtime],
    cli,
    'gateway',
    '--report',
    'none',
    '--config',
    kept(folder, `${runtime}.json`, JSON.stringify(gatewayFile(to))),
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    ...flags,
  ],
})

type Make = (folder: string, to: number) => Contender

const makers: Readonly<Record<string, Make>> = {
  nginx: nginxProxy,
  haproxy,
  caddy,
  ...Object.fromEntries(
    runtimes.map((runtime) => [runtime, (folder: string, to: number) => hangup(folder, to, runtime)]),
  ),
}

/** The first is what the others are compared with. */
export const proxyNames = Object.keys(makers)

export const proxy = (name: string, folder: string, to: number): Contender => makers[name]!(folder, to)
