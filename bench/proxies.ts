/**
 * Reverse proxies in front of one nginx, each with connections kept open on both sides: what
 * `bench/gateway.ts` compares.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commands, type Runtime, runtimes } from './contenders.ts'
import type { Contender } from './process.ts'

export const paths = { small: '/', large: '/large', post: '/post' } as const
const largeBytes = 100 * 1024
/** Where the backend listens beside 127.0.0.1, as so many upstreams. */
const upstreams = Array.from({ length: 50 }, (_, i) => `127.0.1.${i + 1}`)
const manyRoutes = 200
/**
 * How long each proxy keeps an unused connection to the backend. The rounds of a server lie further
 * apart than HAProxy's default of 5 s and the gateway's of 4 s: 64 new connections at the beginning
 * of a round were its p99.
 */
const unusedFor = '60s'

const pem = (name: string): string => fileURLToPath(new URL(`../test/fixtures/tls/${name}.pem`, import.meta.url))

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

/**
 * 13 bytes, 100 KB from a file, and an answer to a body that is read. No answer has the head of the
 * one before.
 */
export function backend(folder: string): Contender {
  return nginx(folder, 'backend', (port, own) => {
    kept(own, 'large', 'x'.repeat(largeBytes))
    return `  keepalive_timeout 1h;
  sendfile on;
  tcp_nopush on;
  server {
    listen 127.0.0.1:${port};
${upstreams.map((address) => `    listen ${address}:${port};`).join('\n')}
    root ${own};
    add_header X-Request-Id $request_id;
    location = ${paths.small} { return 200 "hello, world\\n"; }
    location = ${paths.post} { return 200 "hello, world\\n"; }
  }`
  })
}

const nginxProxy: Make = (folder, to, secure) => ({
  secure,
  ...nginx(
    folder,
    'nginx',
    (port) => `  upstream backend {
    server 127.0.0.1:${to};
    keepalive 256;
    keepalive_requests 1000000000;
    keepalive_timeout ${unusedFor};
  }
  server {
    listen 127.0.0.1:${port}${secure ? ' ssl' : ''};
${secure ? `    ssl_certificate ${pem('cert')};\n    ssl_certificate_key ${pem('key')};` : ''}
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }`,
  ),
})

/** HAProxy has certificate and key from one file. */
const bothPem = (folder: string): string =>
  kept(folder, 'both.pem', `${readFileSync(pem('cert'), 'utf8')}${readFileSync(pem('key'), 'utf8')}`)

const haproxy: Make = (folder, to, secure) => ({
  name: 'HAProxy',
  secure,
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
  bind 127.0.0.1:${port}${secure ? ` ssl crt ${bothPem(folder)}` : ''}
  http-request set-header X-Forwarded-Proto http
  default_backend back
backend back
  server one 127.0.0.1:${to} pool-purge-delay ${unusedFor}
`,
    ),
  ],
})

const caddy: Make = (folder, to) => ({
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
      keepalive ${unusedFor}
      keepalive_idle_conns_per_host 256
    }
  }
}
`,
    ),
  ],
})

interface GatewayOptions {
  readonly flags?: readonly string[]
  readonly secure?: boolean
  /** Behind 200 routes, through 50 upstreams. */
  readonly many?: boolean
  readonly cli?: string
}

/**
 * Everything on that a request meets without TLS: several routes, both kinds of health checks,
 * limits of clients, buffering.
 */
function gatewayFile(to: number, many: boolean) {
  const beside = many ? upstreams.map((address) => `http://${address}:${to}`) : []
  const routes = Array.from({ length: many ? manyRoutes : 0 }, (_, i) => ({ path: `/service-${i}`, to: 'admin' }))
  return {
    groups: {
      app: { to: many ? beside : `http://127.0.0.1:${to}`, check: { path: paths.small } },
      admin: { to: `http://127.0.0.1:${to}` },
    },
    routes: [
      { host: 'admin.example.com', to: 'admin' },
      { path: '/admin', to: 'admin', strip: true },
      ...routes,
      { to: 'app', maxBodyBytes: '10mb' },
    ],
    clients: { maxConnections: 10_000, requestsPerSec: 1_000_000, burst: 100_000 },
  }
}

export const hangup = (
  folder: string,
  to: number,
  runtime: Runtime,
  { flags = [], secure = false, many = false, cli = 'src/cli.ts' }: GatewayOptions = {},
): Contender => ({
  name: `hangup on ${runtime}${many ? `, ${manyRoutes} routes × ${upstreams.length} upstreams` : ''}`,
  secure,
  command: (port) => [
    ...commands[runtime],
    cli,
    'gateway',
    '--report',
    'none',
    '--config',
    kept(folder, `${runtime}${many ? '-many' : ''}.json`, JSON.stringify(gatewayFile(to, many))),
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--upstream-idle-timeout',
    unusedFor,
    ...(secure ? ['--tls-cert', pem('cert'), '--tls-key', pem('key')] : []),
    ...flags,
  ],
})

export const passingName = (runtime: Runtime): string => `sockets of ${runtime}, bytes passed on`

/** Nobody parses anything in it: what the sockets of a runtime leave to a gateway. */
const passing = (to: number, runtime: Runtime, secure: boolean): Contender => ({
  name: passingName(runtime),
  secure,
  command: [...commands[runtime], 'bench/servers/passing.ts', String(to), ...(secure ? [pem('cert'), pem('key')] : [])],
})

type Make = (folder: string, to: number, secure: boolean) => Contender

const makers: Readonly<Record<string, Make>> = {
  nginx: nginxProxy,
  haproxy,
  caddy,
  ...Object.fromEntries(
    runtimes.map((runtime): [string, Make] => [
      runtime,
      (folder, to, secure) => hangup(folder, to, runtime, { secure }),
    ]),
  ),
  ...Object.fromEntries(
    runtimes.map((runtime): [string, Make] => [`passing-${runtime}`, (_, to, secure) => passing(to, runtime, secure)]),
  ),
}

/** The first is what the others are compared with. */
export const proxyNames = Object.keys(makers)
/** Those that the TLS loads know how to set up. */
export const secureNames = proxyNames.filter((name) => name !== 'caddy')

export const proxy = (name: string, folder: string, to: number, secure = false): Contender =>
  makers[name]!(folder, to, secure)
