/**
 * Runs the units of `deploy/systemd` under a systemd: the hardening is real, and the runtime must
 * live with it. Root on Linux; `npm run test:deploy`.
 */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { environment, root } from '../lib/runtimes.ts'
import { missing } from './files.ts'
import { makeProject } from './project.ts'

const skip =
  missing('/lib/systemd/systemd', 'runs the units (Debian: systemd)') ||
  missing('curl', 'asks them') ||
  (process.getuid?.() === 0 ? false : 'NOT TESTED: a manager in namespaces of its own is started by root')

const script = fileURLToPath(new URL('user-manager.sh', import.meta.url))

/** What a user's manager has not: users that it makes, and folders of the system. */
const dropIn = '[Service]\nDynamicUser=no\nReadWritePaths=/var/cache/hangup-gateway\nStandardError=file:/run/stderr'

const units = { 'hangup.service': 'http://127.0.0.1:3000/', 'hangup-gateway.service': 'http://127.0.0.1:8080/' }

describe('the units of deploy/systemd', { skip }, () => {
  const work = skip ? '' : mkdtempSync(join(tmpdir(), 'hangup-units-'))
  const project = join(work, 'project')
  before(() => {
    makeProject(project)
    execFileSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund', '--silent'], { cwd: project, env: environment })
  })
  after(() => rmSync(work, { recursive: true, force: true }))

  for (const [unit, url] of Object.entries(units)) {
    test(`${unit} starts, serves, and ends well when it is stopped`, { timeout: 60_000 }, async () => {
      const namespaces = ['--mount', '--pid', '--net', '--cgroup', '--fork', '--kill-child']
      const node = realpathSync(`${root}node_modules/.bin/node`)
      const run = promisify(execFile)('unshare', [...namespaces, 'bash', script, unit, url, project, node, dropIn], {
        timeout: 50_000,
        killSignal: 'SIGKILL',
        env: environment,
      })
      // The manager does not end by itself, and is killed with everything that is in its namespaces.
      const { stdout, stderr } = await run.catch((error) => error)
      assert.match(stdout, /^CapEff:\t0+$/m, stdout + stderr)
      assert.match(stdout, /^NoNewPrivs:\t1$/m)
      assert.match(stdout, /^Seccomp:\t2$/m, 'with a filter of system calls')
      assert.match(stdout, /^Type=notify$/m)
      assert.match(stdout, /^ActiveState=active$/m, 'it has said that it is ready')
      assert.match(stdout, /^Result=success$/m)
      assert.match(stdout, /^ExecMainStatus=0$/m)
      if (unit === 'hangup.service') assert.match(stdout, /^slow 200$/m, 'a request in flight was answered')
    })
  }
})
