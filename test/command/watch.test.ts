/**
 * `hangup serve --watch` on each runtime: what a change does, what one that does not load does not,
 * and how it ends.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { launch } from '../lib/program.ts'
import { hangupOn, onAnyPort, runtimeNames } from '../lib/runtimes.ts'
import { startServer } from '../lib/server.ts'
import { until as untilHolds } from '../lib/wait.ts'

const withinMs = 20_000

const until = (holds: () => boolean | Promise<boolean>, what: string | (() => string)) =>
  untilHolds(holds, what, withinMs)

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

describe('hangup serve --watch', { concurrency: true, timeout: 90_000 }, () => {
  for (const runtime of runtimeNames) {
    test(`on ${runtime} a change takes the port over and loses nobody, and no process is left`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'hangup-watch-'))
      await mkdir(join(folder, 'lib'))
      const word = (text: string) => writeFile(join(folder, 'lib/word.ts'), text)
      await writeFile(join(folder, 'app.ts'), app)
      await word("export const word = 'one'")

      const watching = await startServer(t, hangupOn(runtime, 'serve', './app.ts', '--watch', ...onAnyPort), {
        cwd: folder,
      })
      t.after(() => rm(folder, { recursive: true }))
      const { url, stderr } = watching
      const said = (path = '') => fetch(url + path, { headers: { Connection: 'close' } }).then((r) => r.text())
      // Between two servers a client may be refused for an instant.
      const says = (text: string) =>
        until(
          async () => (await said().catch(() => '')) === text,
          () => `${text}: ${stderr()}`,
        )

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
      await until(() => stderr().includes('the change does not load; the server before it goes on'), stderr)
      assert.equal(await said(), 'two')
      await word("export const word = 'four'")
      await says('four')
      assert.equal(JSON.parse(watching.stdout().trim().split('\n').at(-1)!).url, url)

      const last = Number(await said('pid'))
      watching.signal('SIGTERM')
      assert.equal((await watching.exited).code, 0)
      assert.ok(!isAlive(last))
    })

    test(`on ${runtime} an app that does not load is waited for, and the end of the command ends the server`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'hangup-watch-'))
      const args = ['serve', 'app.ts', '--watch', '--host', '127.0.0.1', '--port', '0']
      const watching = launch(t, hangupOn(runtime, ...args), { cwd: folder })
      t.after(() => rm(folder, { recursive: true }))
      const { stderr } = watching
      await until(() => stderr().includes('waiting for a change'), stderr)
      assert.match(stderr(), /app\.ts: it cannot be read \(ENOENT\)/)
      const note = join(folder, 'pid')
      const source = `import { writeFileSync } from 'node:fs'
import process from 'node:process'
writeFileSync(${JSON.stringify(note)}, String(process.pid))
export default () => new Response('here')`
      await writeFile(join(folder, 'app.ts'), source)
      // There, and written: 0 would be the process group of this test.
      await until(() => existsSync(note) && readFileSync(note, 'utf8') !== '', stderr)
      const server = Number(readFileSync(note, 'utf8'))
      assert.ok(isAlive(server))
      // Alone: what it has started is to find out.
      watching.signal('SIGKILL')
      await until(() => !isAlive(server), 'the server is an orphan')
    })
  }
})
