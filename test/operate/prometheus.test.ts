import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '../../runtimes/node/index.ts'
import { gatewayMetrics } from '../../src/gateway/metrics.ts'
import { processMetrics, serverMetrics } from '../../src/observe/server-metrics.ts'
import { folder, missing, text, yaml } from '../deploy/files.ts'
import { startGateway } from '../gateway/process.ts'
import { freePort } from '../lib/free-port.ts'
import { urlOf } from '../lib/server.ts'
import { startPrometheus } from './prometheus.ts'

interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[]
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly annotations: Readonly<Record<string, string>>
}

const rulesFile = `${folder}prometheus/hangup.rules.yml`
const rules = (yaml('prometheus/hangup.rules.yml').groups as { rules: Rule[] }[]).flatMap((group) => group.rules)
const dashboard = JSON.parse(text('grafana/hangup.json')) as { readonly panels: readonly Panel[] }
const shown = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })))

/** What of a metric is its own, and what Prometheus and its form of a histogram add. */
const metrics = [...processMetrics, ...serverMetrics, ...gatewayMetrics]
const known = new Map<string, readonly string[]>([
  ['up', []],
  ...metrics.flatMap(({ name, type, labels }): [string, readonly string[]][] =>
    type === 'histogram'
      ? [
          [`${name}_bucket`, [...labels, 'le']],
          [`${name}_count`, labels],
          [`${name}_sum`, labels],
        ]
      : [[name, labels]],
  ),
])
const ofEach = ['job', 'instance', 'listener']

const grouping = /\b(by|without)\s*\(([^)]*)\)/g

/**
 * Of an expression in PromQL: its metrics, and the labels by which each is chosen or all are
 * grouped.
 */
function namesIn(expression: string): { readonly name: string; readonly labels: readonly string[] }[] {
  const grouped = Array.from(expression.matchAll(grouping), ([, how, labels = '']) =>
    how === 'by' ? labels.split(/,\s*/) : [],
  ).flat()
  const plain = expression.replace(grouping, '')
  return Array.from(
    plain.matchAll(/\b((?:hangup|http|process)_\w+|up)\b(?:\{([^}]*)\})?/g),
    ([, name = '', by = '']) => ({
      name,
      labels: [...grouped, ...Array.from(by.matchAll(/(\w+)\s*[=!]/g), ([, label = '']) => label)],
    }),
  )
}

const withoutPrometheus = missing('prometheus', 'the alerts and the dashboard are tested with')
const promtool = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
  return { status, said: stdout + stderr }
}

describe('deploy/prometheus and deploy/grafana', () => {
  test('name metrics and labels that hangup has, and no others', () => {
    for (const { expr } of [...rules, ...shown]) {
      const named = namesIn(expr)
      assert.ok(named.length > 0, expr)
      for (const { name, labels } of named) {
        const own = known.get(name)
        assert.ok(own !== undefined, `${name} in ${expr}`)
        for (const label of labels) assert.ok([...own, ...ofEach].includes(label), `${label} of ${name} in ${expr}`)
      }
    }
  })

  test('leave no metric out of the dashboard that it could show', () => {
    const named = new Set(shown.flatMap(({ expr }) => namesIn(expr)).map(({ name }) => name))
    const base = new Set(Array.from(named, (name) => name.replace(/_(bucket|count|sum)$/, '')))
    // Only under the kernel ledger, and the number of responses by another name.
    const elsewhere = ['hangup_close_races_total', 'hangup_aborts_on_data_total', 'hangup_requests_total']
    assert.deepEqual(
      metrics.map(({ name }) => name).filter((name) => !base.has(name) && !elsewhere.includes(name)),
      [],
    )
  })

  test('the dashboard’s panels have their own numbers and places, and say what they show', () => {
    const { panels } = dashboard
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    const taken = new Set<string>()
    for (const { title, type, description = '', gridPos, targets = [] } of panels) {
      const { x, y, w, h } = gridPos
      assert.ok(x + w <= 24, title)
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          assert.ok(!taken.has(`${column} ${line}`), `${title} lies on another panel`)
          taken.add(`${column} ${line}`)
        }
      }
      if (type === 'row') continue
      assert.notEqual(description, '', title)
      assert.ok(targets.length > 0, title)
    }
  })

  test('each alert says what is the matter and what to do', () => {
    for (const { alert, annotations } of rules) {
      assert.match(alert, /^Hangup[A-Z]/)
      assert.match(annotations['summary'] ?? '', /\{\{ \$labels\.\w+ \}\}/, alert)
      assert.ok((annotations['description'] ?? '').length > 30, alert)
    }
  })

  test('each alert fires when it should, and none when all is well', { skip: withoutPrometheus }, () => {
    for (const what of [
      ['config', '--syntax-only', `${folder}prometheus/prometheus.yml`],
      ['rules', rulesFile],
    ]) {
      const checked = promtool('check', ...what)
      assert.equal(checked.status, 0, checked.said)
    }
    const tested = promtool('test', 'rules', `${folder}prometheus/hangup.rules.test.yml`)
    assert.equal(tested.status, 0, tested.said)
    // Each has its line in the scene where nothing is well.
    for (const { alert } of rules) assert.ok(text('prometheus/hangup.rules.test.yml').includes(`"${alert}"`), alert)
  })

  test('a real Prometheus reads every panel, and a server without room rings its alert', {
    skip: withoutPrometheus,
    timeout: 60_000,
  }, async (t) => {
    const app = async ({ url }: Request): Promise<Response> => {
      if (url.endsWith('/late')) await sleep(10_000)
      return new Response('hello', { status: url.endsWith('/broken') ? 500 : 200 })
    }
    const server = await serve(app, {
      port: 0,
      host: '127.0.0.1',
      admin: '127.0.0.1:0',
      signals: false,
      log: () => {},
      maxConnections: 5,
      minIdleMs: 0,
      idleTimeoutMs: 300,
      headTimeoutMs: 300,
      handlerTimeoutMs: 300,
    })
    t.after(() => server.kill())
    // One of its upstreams is not there.
    const to = [server.url, { port: await freePort() }]
    const gateway = await startGateway(t, 'node', to, ['--admin', '127.0.0.1:0'])
    const { admin } = JSON.parse(gateway.line) as { admin: string }
    const targets = [server.admin!.url, admin].map((url) => new URL(url).host)
    const prometheus = await startPrometheus(t, { targets, rules: rulesFile })
    // Whatever there is to be told happens again and again.
    const stop = new AbortController()
    t.after(() => stop.abort())
    void (async () => {
      while (!stop.signal.aborted) {
        for (const path of ['', 'broken', 'late']) void fetch(server.url + path).catch(() => {})
        void fetch(urlOf(gateway)).catch(() => {})
        for (let i = 0; i < 4; i++) {
          const socket = connect(server.address.port, '127.0.0.1').on('error', () => {})
          socket.write('GET / HT')
        }
        await sleep(400)
      }
    })()
    const asking = (expression: string) =>
      expression.replaceAll('$__rate_interval', '5s').replaceAll('$job', 'hangup').replaceAll('$instance', '.+')
    const seen = async (expression: string) => {
      const asked = asking(expression)
      for (let left = 150; left > 0; left--) {
        if ((await prometheus.query(asked)).length > 0) return
        await sleep(100)
      }
      assert.fail(`no sample of ${asked}`)
    }
    await Promise.all([
      // What is lost is another test's matter, and not every runtime can tell.
      ...shown.map(({ expr }) => (/lost|unwatched/.test(expr) ? prometheus.query(asking(expr)) : seen(expr))),
      seen('hangup_connection_duration_seconds_count{by="server", phase="idle", reason="timeout"}'),
      seen('hangup_connection_duration_seconds_count{by="server", phase="head", reason="timeout"}'),
      seen('ALERTS{alertname="HangupTurnsClientsAway", alertstate="firing"}'),
    ])
    assert.deepEqual(
      (await prometheus.rules()).filter(({ health }) => health !== 'ok'),
      [],
    )
  })
})
