/** `hangup serve --watch` on each runtime: what a change does, what one that does not load does not, and how it ends. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { environment, root } from '../conformance/server.ts'
import { runtimeCommands } from '../fixtures/start.ts'

const withinMs = 20_000

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = performance.now() + withinMs; !(await holds()); await sleep(50)) {
    assert.ok(performance.now() < end, what)
  }
}

const app = `import process from 'node:process'
import { word } from './lib/word.ts'
export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url)
    await new Promise((done) => setTimeout(done, Number(searchParams.get('ms') ?? 0)))
    return new Response(pathname === '/pid' ? String(process.pid) : word)
  },
}
`

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function endOf(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode ?? child.signalCode
}

describe('hangup serve --watch', { concurrency: true, timeout: 90_000 }, () => {
  for (const [runtime, [program = '', ...before]] of Object.entries(runtimeCommands)) {
    test(`on ${runtime} a change takes the port over and loses nobody, and no process is left`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'hangup-watch-'))
      await mkdir(join(folder, 'lib'))
      const word = (text: string) => writeFile(join(folder, 'lib/word.ts'), text)
      await writeFile(join(folder, 'app.ts'), app)
      await word("export const word = 'one'")

      const flags = ['--watch', '--host', '127.0.0.1', '--port', '0', '--report', 'json']
      const args = [...before, `${root}src/cli.ts`, 'serve', './app.ts', ...flags]
      const child = spawn(program, args, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
      t.after(async () => {
        child.kill('SIGKILL')
        await rm(folder, { recursive: true })
      })
      let err = ''
      child.stderr.setEncoding('utf8').on('data', (text) => {
        err += text
      })
      const reports: string[] = []
      createInterface(child.stdout).on('line', (line) => reports.push(line))
      await until(() => reports.length > 0, err)
      const { url } = JSON.parse(reports[0]!)
      const said = (path = '') => fetch(url + path, { headers: { Connection: 'close' } }).then((r) => r.text())
      // Between two servers a client may be refused for an instant.
      const says = (text: string) => until(async () => (await said().catch(() => '')) === text, `${text}: ${err}`)

      assert.equal(await said(), 'one')
      const first = Number(await said('pid'))
      const slow = said('?ms=6000')
      await sleep(200)
      await word("export const word = 'two'")
      await says('two')
      assert.ok(isAlive(first), 'the server before it has a request to answer')
      assert.equal(await slow, 'one')
      await until(() => !isAlive(first), 'the server before it does not end')

      await word("export const word = = 'three'")
      await until(() => err.includes('the change does not load; the server before it goes on'), err)
      assert.equal(await said(), 'two')
      await word("export const word = 'four'")
      await says('four')
      assert.equal(JSON.parse(reports.at(-1)!).url, url)

      const last = Number(await said('pid'))
      child.kill('SIGTERM')
      assert.equal(await endOf(child), 0)
      assert.ok(!isAlive(last))
    })

    test(`on ${runtime} an app that does not load is waited for, and the end of the command ends the server`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'hangup-watch-'))
      const args = [...before, `${root}src/cli.ts`, 'serve', 'app.ts', '--watch', '--host', '127.0.0.1', '--port', '0']
      const child = spawn(program, args, { cwd: folder, env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
      t.after(async () => {
        child.kill('SIGKILL')
        await rm(folder, { recursive: true })
      })
      let err = ''
      child.stderr.setEncoding('utf8').on('data', (text) => {
        err += text
      })
      await until(() => err.includes('waiting for a change'), err)
      assert.match(err, /app\.ts: it cannot be read \(ENOENT\)/)
      const note = join(folder, 'pid')
      const source = `import { writeFileSync } from 'node:fs'
import process from 'node:process'
writeFileSync(${JSON.stringify(note)}, String(process.pid))
export default () => new Response('here')`
      await writeFile(join(folder, 'app.ts'), source)
      // There, and written: 0 would be the process group of this test.
      await until(() => existsSync(note) && readFileSync(note, 'utf8') !== '', err)
      const server = Number(readFileSync(note, 'utf8'))
      assert.ok(isAlive(server))
      child.kill('SIGKILL')
      await until(() => !isAlive(server), 'the server is an orphan')
    })
  }
})
