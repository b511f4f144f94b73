/** Reverse proxies, with the pages behind them. */
import type { Peer } from './peer.ts'

const nginxConf = (settings: string) => `worker_processes 1;
pid {tmp}/nginx.pid;
error_log {tmp}/error.log;
events { worker_connections 768; }
http {
  access_log off;
  client_body_temp_path {tmp}/body;
  proxy_temp_path {tmp}/proxy;
  fastcgi_temp_path {tmp}/fastcgi;
  uwsgi_temp_path {tmp}/uwsgi;
  scgi_temp_path {tmp}/scgi;
${settings}  server {
    listen 127.0.0.1:{port};
    location / { proxy_pass http://127.0.0.1:{origin}; }
  }
}
`
const nginxArgv = ['/usr/sbin/nginx', '-e', '{tmp}/error.log', '-c', '{tmp}/nginx.conf', '-g', 'daemon off;']

export const nginx: Peer = {
  name: 'nginx',
  title: 'nginx',
  language: 'C',
  debian: ['nginx'],
  version: ['/usr/sbin/nginx', '-v'],
  drains: 'SIGTERM is its fast shutdown; SIGQUIT is the graceful one',
  proxy: true,
  workers: true,
  variants: [
    {
      name: 'stock',
      what: 'No timeout set: keepalive_timeout 75s, client_header_timeout, client_body_timeout and send_timeout 60s.',
      argv: nginxArgv,
      files: { 'nginx.conf': nginxConf('') },
      limitMs: 90_000,
    },
    {
      name: 'tuned',
      what: 'client_header_timeout 5s, client_body_timeout 5s, keepalive_timeout 15s, send_timeout 10s, reset_timedout_connection on.',
      source: 'nginx: Mitigating DDoS Attacks with NGINX (slow connections: 5s); the rest as its documentation allows',
      argv: nginxArgv,
      files: {
        'nginx.conf': nginxConf(`  client_header_timeout 5s;
  client_body_timeout 5s;
  keepalive_timeout 15s;
  send_timeout 10s;
  reset_timedout_connection on;
`),
      },
    },
  ],
}

const haproxyCfg = (settings: string) => `global
  maxconn 1000
defaults
  mode http
  timeout connect 5s
  timeout client 50s
  timeout server 50s
${settings}frontend pages
  bind 127.0.0.1:{port}
  default_backend origin
backend origin
  server origin 127.0.0.1:{origin}
`

export const haproxy: Peer = {
  name: 'haproxy',
  title: 'HAProxy',
  language: 'C',
  debian: ['haproxy'],
  version: ['/usr/sbin/haproxy', '-v'],
  drains: 'SIGTERM ends it at once; SIGUSR1 lets it finish',
  proxy: true,
  variants: [
    {
      name: 'stock',
      what: 'The timeouts of Debian’s haproxy.cfg: connect 5s, client 50s, server 50s; whoever stops reading waits for both.',
      argv: ['/usr/sbin/haproxy', '-db', '-f', '{tmp}/haproxy.cfg'],
      files: { 'haproxy.cfg': haproxyCfg('') },
      limitMs: 115_000,
    },
    {
      name: 'tuned',
      what: 'Besides: timeout http-request 5s, http-keep-alive 10s, option http-buffer-request.',
      source:
        'HAProxy Configuration Manual: timeout http-request, timeout http-keep-alive, option http-buffer-request (Slowloris)',
      argv: ['/usr/sbin/haproxy', '-db', '-f', '{tmp}/haproxy.cfg'],
      files: {
        'haproxy.cfg': haproxyCfg(`  timeout http-request 5s
  timeout http-keep-alive 10s
  option http-buffer-request
`),
      },
      limitMs: 115_000,
    },
  ],
}

const caddyfile = (servers: string) => `{
  admin off
  auto_https off
${servers}}
http://127.0.0.1:{port} {
  reverse_proxy 127.0.0.1:{origin}
}
`
const caddyArgv = ['/usr/bin/caddy', 'run', '--adapter', 'caddyfile', '--config', '{tmp}/Caddyfile']
const caddyHome = { HOME: '{tmp}', XDG_DATA_HOME: '{tmp}', XDG_CONFIG_HOME: '{tmp}' }

export const caddy: Peer = {
  name: 'caddy',
  title: 'Caddy',
  language: 'Go',
  debian: ['caddy'],
  version: ['/usr/bin/caddy', 'version'],
  proxy: true,
  variants: [
    {
      name: 'stock',
      what: 'No timeout set: idle 5 min, the others none.',
      argv: caddyArgv,
      env: caddyHome,
      files: { Caddyfile: caddyfile('') },
      later: { 'idle-after-response': 'idle is 5 min' },
    },
    {
      name: 'tuned',
      what: 'servers { timeouts { read_header 5s, read_body 10s, write 30s, idle 30s } }; read_body and write are totals.',
      source: 'Caddy: global options, timeouts (its example; idle 30s instead of 10m)',
      argv: caddyArgv,
      env: caddyHome,
      files: {
        Caddyfile: caddyfile(`  servers {
    timeouts {
      read_body 10s
      read_header 5s
      write 30s
      idle 30s
    }
  }
`),
      },
    },
  ],
}
