/** A Prometheus of a test's own: it scrapes these targets, and is asked in PromQL. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../lib/free-port.ts'
import { type Lifetime, launch } from '../lib/program.ts'

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [at: number, value: string]
}

export interface RuleState {
  readonly name: string
  readonly health: string
  readonly state: string
}

const readyWithinMs = 10_000

export async function startPrometheus(
  t: Lifetime,
  { targets, rules }: { readonly targets: readonly string[]; readonly rules: string },
) {
  const folder = await mkdtemp(join(tmpdir(), 'hangup-prometheus-'))
  const config = join(folder, 'prometheus.yml')
  // JSON is YAML.
  await writeFile(
    config,
    JSON.stringify({
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: [rules],
      scrape_configs: [{ job_name: 'hangup', static_configs: [{ targets }] }],
    }),
  )
  const port = await freePort()
  const { child, kill, stderr } = launch(null, [
    'prometheus',
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ])
  t.after(async () => {
    await kill()
    await rm(folder, { recursive: true })
  })
  const ask = async <Answer>(path: string): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    const { status, error, data } = (await response.json()) as { status: string; error?: string; data: Answer }
    if (status !== 'success') throw new Error(`${path}: ${error}`)
    return data
  }
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  for (let waited = 0; !(await isReady()); waited += 100) {
    if (waited > readyWithinMs || child.exitCode !== null) throw new Error(`Prometheus is not ready: ${stderr()}`)
    await sleep(100)
  }
  return {
    /** Rejects with what Prometheus finds wrong with the expression. */
    async query(expression: string): Promise<readonly Sample[]> {
      const { result } = await ask<{ result: Sample[] }>(`/api/v1/query?query=${encodeURIComponent(expression)}`)
      return result
    },
    async rules(): Promise<readonly RuleState[]> {
      const { groups } = await ask<{ groups: { rules: RuleState[] }[] }>('/api/v1/rules')
      return groups.flatMap((group) => group.rules)
    },
  }
}
