/** Servers that run JavaScript, without hangup and with it. */
import type { Peer } from './peer.ts'

const tuned = { headersTimeout: 5_000, requestTimeout: 30_000, connectionsCheckingInterval: 1_000 }

export const node: Peer = {
  name: 'node',
  title: 'node:http',
  language: 'Node',
  debian: [],
  version: ['{bin}/node', '--version'],
  variants: [
    {
      name: 'stock',
      what: 'No timeout set: keepAliveTimeout 5 s, headersTimeout 60 s, requestTimeout 300 s, looked for every 30 s.',
      argv: ['{bin}/node', '{apps}/node.ts', '{port}'],
      limitMs: 100_000,
      later: { 'body-stall': 'requestTimeout is 300 s', 'body-trickle': 'requestTimeout is 300 s' },
    },
    {
      name: 'tuned',
      what: 'headersTimeout 5 s, requestTimeout 30 s (a total), connectionsCheckingInterval 1 s.',
      source: 'Node: http.createServer',
      argv: ['{bin}/node', '{apps}/node.ts', '{port}', JSON.stringify(tuned)],
    },
  ],
}

export const bun: Peer = {
  name: 'bun',
  title: 'Bun.serve',
  language: 'Bun',
  debian: [],
  version: ['{bin}/bun', '--version'],
  variants: [
    {
      name: 'stock',
      what: 'No timeout set: idleTimeout 10 s.',
      argv: ['{bin}/bun', '{apps}/bun.ts', '{port}'],
    },
  ],
}

export const deno: Peer = {
  name: 'deno',
  title: 'Deno.serve',
  language: 'Deno',
  debian: [],
  version: ['{bin}/deno', '--version'],
  variants: [
    {
      name: 'stock',
      what: 'It has no option for any limit.',
      argv: ['{bin}/deno', 'run', '-A', '{apps}/deno.ts', '{port}'],
    },
  ],
}

export const workerd: Peer = {
  name: 'workerd',
  title: 'workerd',
  language: 'Workers',
  debian: [],
  version: ['{bin}/workerd', '--version'],
  workers: true,
  variants: [
    {
      name: 'stock',
      what: 'Under wrangler dev; it has no option for any limit.',
      argv: [
        ...['{tools}/wrangler', 'dev', '{apps}/worker.ts', '--config', '{tmp}/wrangler.toml', '--ip', '127.0.0.1'],
        ...['--port', '{port}', '--inspector-port', '0', '--show-interactive-dev-session=false'],
      ],
      env: { HOME: '{tmp}', WRANGLER_SEND_METRICS: 'false' },
      files: { 'wrangler.toml': 'name = "pages"\ncompatibility_date = "2026-10-23"\n' },
    },
  ],
}

export const srvx: Peer = {
  name: 'srvx',
  title: 'srvx on Node',
  language: 'Node',
  debian: [],
  version: ['{bin}/node', '-p', 'require("./node_modules/srvx/package.json").version'],
  variants: [
    {
      name: 'stock',
      what: 'No timeout set: those of node:http.',
      argv: ['{bin}/node', '{apps}/srvx.ts', '{port}'],
      limitMs: 100_000,
      later: { 'body-stall': 'requestTimeout is 300 s', 'body-trickle': 'requestTimeout is 300 s' },
    },
  ],
}
