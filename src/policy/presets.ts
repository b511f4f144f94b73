/**
 * Values for what stands in front of the server, as data. A proxy that keeps idle connections to
 * its backends must be the one that ends them: if the server's idle limit is the shorter, the proxy
 * sends a request into a connection that is being closed, and its client gets a 502. So each idle
 * limit here is longer than that proxy's own.
 */
import type { PolicyInput } from './policy.ts'

export interface Preset {
  /** What stands in front. */
  readonly behind: string
  readonly sets: PolicyInput
  /** How long it keeps an idle connection to the server unless changed, where it does. */
  readonly keepsIdleMs?: number
  readonly why: string
  readonly source: string
}

export const presets = {
  internet: {
    behind: 'nothing: clients connect directly (the default)',
    sets: {},
    why: 'The defaults are for clients that nobody vouches for.',
    source: 'the policy table',
  },
  'aws-alb': {
    behind: 'AWS Application Load Balancer, Classic Load Balancer',
    sets: { idleTimeoutMs: 65_000 },
    keepsIdleMs: 60_000,
    why: 'Its idle timeout is 60 s unless changed.',
    source:
      'AWS: Application Load Balancers, connection idle timeout (60 s; "larger than the idle timeout configured")',
  },
  'gcp-lb': {
    behind: 'Google Cloud external Application Load Balancer',
    sets: { idleTimeoutMs: 620_000 },
    keepsIdleMs: 600_000,
    why: 'Its backend keepalive timeout is 600 s and cannot be changed.',
    source: 'Google Cloud: external Application Load Balancer, timeouts and retries (600 s; 620 s for nginx backends)',
  },
  nginx: {
    behind: 'nginx with keepalive connections to its upstream',
    sets: { idleTimeoutMs: 65_000 },
    keepsIdleMs: 60_000,
    why: 'keepalive_timeout of an upstream is 60 s unless changed.',
    source: 'nginx: ngx_http_upstream_module, keepalive_timeout 60s',
  },
  'ingress-nginx': {
    behind: 'Kubernetes ingress-nginx',
    sets: { idleTimeoutMs: 65_000 },
    keepsIdleMs: 60_000,
    why: 'upstream-keepalive-timeout is 60 s unless changed.',
    source: 'ingress-nginx: ConfigMap, upstream-keepalive-timeout 60',
  },
  heroku: {
    behind: 'Heroku router 2.0',
    sets: { idleTimeoutMs: 95_000 },
    keepsIdleMs: 90_000,
    why: 'It keeps idle connections to a dyno for 90 s.',
    source: 'Heroku: HTTP routing, keepalives (90 s)',
  },
  'go-proxy': {
    behind: 'Traefik, cloudflared and other proxies on Go’s http.Transport',
    sets: { idleTimeoutMs: 95_000 },
    keepsIdleMs: 90_000,
    why: 'IdleConnTimeout is 90 s unless changed.',
    source: 'Go net/http DefaultTransport; Traefik idleConnTimeout 90s; cloudflared keepAliveTimeout 1m30s',
  },
  caddy: {
    behind: 'Caddy reverse_proxy',
    sets: { idleTimeoutMs: 125_000 },
    keepsIdleMs: 120_000,
    why: 'keepalive of its http transport is 2 m unless changed.',
    source: 'Caddy: reverse_proxy, http transport, keepalive 2m',
  },
  cloudflare: {
    behind: 'Cloudflare, the server being its origin',
    sets: { idleTimeoutMs: 910_000 },
    keepsIdleMs: 900_000,
    why: 'Its proxy idle timeout is 900 s and cannot be changed.',
    source: 'Cloudflare: connection limits, between Cloudflare and origin server, Proxy Idle Timeout 900',
  },
  envoy: {
    behind: 'Envoy, Istio, Contour',
    sets: { idleTimeoutMs: 3_610_000 },
    keepsIdleMs: 3_600_000,
    why: 'idle_timeout of a cluster’s connections is 1 h unless changed.',
    source: 'Envoy: How do I configure timeouts, idle_timeout (1 hour)',
  },
  kubernetes: {
    behind: 'a Kubernetes Service; combines with the others',
    sets: { drainDelayMs: 5_000 },
    why: 'A pod gets SIGTERM while it is still listed as an endpoint, and clients come until every node has heard.',
    source:
      'Kubernetes: pod lifecycle, termination of pods (endpoints are removed at the same time as SIGTERM, not before)',
  },
} as const satisfies Record<string, Preset>

export type PresetName = keyof typeof presets
export const presetNames = Object.keys(presets) as readonly PresetName[]
