/** An application is bundled with the server into one file: it serves itself, and nothing else starts. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { environment, root } from '../conformance/server.ts'

const run = promisify(execFile)

const esbuild = (more: readonly string[]) => ['esbuild', '--bundle', '--platform=node', '--log-level=warning', ...more]
const outfile = (path: string) => [`--outfile=${path}`]

interface Bundled {
  readonly what: string
  readonly module: string
  readonly bundler: readonly string[]
  readonly runtime: readonly string[]
  readonly ending: string
}

const runtimes = {
  node: { bundler: esbuild(['--format=esm']), command: ['node'] },
  bun: { bundler: ['bun', 'build', '--target=bun'], command: ['bun'] },
  deno: { bundler: esbuild(['--format=esm']), command: ['deno', 'run', '-A'] },
}

const bundles: readonly Bundled[] = [
  ...Object.entries(runtimes).flatMap(([name, { bundler, command }]) => [
    { what: `${name}/index.ts`, module: `runtimes/${name}/index.ts`, bundler, runtime: command, ending: 'mjs' },
    { what: `${name}.ts, a program too`, module: `runtimes/${name}.ts`, bundler, runtime: command, ending: 'mjs' },
  ]),
  {
    what: 'node/index.ts in CommonJS',
    module: 'runtimes/node/index.ts',
    bundler: esbuild(['--format=cjs']),
    runtime: ['node'],
    ending: 'cjs',
  },
]

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'hangup-bundle-'))
})
after(() => rmSync(folder, { recursive: true }))

const app = (module: string) => `
  import { serve } from ${JSON.stringify(root + module)}
  serve(() => new Response('mine'), { port: 0, host: '127.0.0.1' }).then(({ url }) => console.log(url))
`

/** What a server beside it would say in the time in which the application has started and answered. */
async function said(bundle: string, [program = '', ...args]: readonly string[]) {
  const child = spawn(program, [...args, bundle], {
    env: { ...environment, HANGUP_PORT: '0', HANGUP_HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const answers: string[] = []
  for await (const line of createInterface(child.stdout)) {
    lines.push(line)
    if (!line.startsWith('http://')) continue
    answers.push(await (await fetch(line)).text())
    child.kill('SIGTERM')
  }
  return { lines, answers }
}

describe('a bundle of an application', { concurrency: 2, timeout: 60_000 }, () => {
  for (const [index, { what, module, bundler, runtime, ending }] of bundles.entries()) {
    test(`with ${what} is the application and nothing else`, async () => {
      const source = join(folder, `app-${index}.ts`)
      const bundle = join(folder, `bundle-${index}.${ending}`)
      writeFileSync(source, app(module))
      const [program = '', ...args] = bundler
      await run(program, [...args, source, ...outfile(bundle)], { cwd: root, env: environment })
      const { lines, answers } = await said(bundle, runtime)
      assert.deepEqual(answers, ['mine'])
      assert.equal(lines.length, 1, lines.join('\n'))
    })
  }
})
