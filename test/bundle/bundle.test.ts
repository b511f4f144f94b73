/**
 * An application is bundled with the server into one file: it serves itself, and nothing else
 * starts.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { run, startProgram } from '../lib/program.ts'
import { root } from '../lib/runtimes.ts'

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

/**
 * What a server beside it would say in the time in which the application has started and answered.
 */
async function said(bundle: string, command: readonly string[]) {
  const program = await startProgram(null, [...command, bundle], {
    env: { HANGUP_PORT: '0', HANGUP_HOST: '127.0.0.1' },
  })
  const answer = program.line.startsWith('http://') ? await (await fetch(program.line)).text() : null
  program.signal('SIGTERM')
  const { stdout } = await program.exited
  return { lines: stdout.trim().split('\n'), answer }
}

describe('a bundle of an application', { concurrency: 2, timeout: 60_000 }, () => {
  for (const [index, { what, module, bundler, runtime, ending }] of bundles.entries()) {
    test(`with ${what} is the application and nothing else`, async () => {
      const source = join(folder, `app-${index}.ts`)
      const bundle = join(folder, `bundle-${index}.${ending}`)
      writeFileSync(source, app(module))
      const { code, stderr } = await run(null, [...bundler, source, ...outfile(bundle)])
      assert.equal(code, 0, stderr)
      const { lines, answer } = await said(bundle, runtime)
      assert.equal(answer, 'mine')
      assert.equal(lines.length, 1, lines.join('\n'))
    })
  }
})
