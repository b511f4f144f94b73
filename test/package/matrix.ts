/**
 * What is too big for `npm test`: the package on every supported major version of Node, each from
 * its npm package, and the command as one file. `npm run test:package`; it needs the registry that
 * npm is set up with, for 700 MB.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import packageJson from '../../package.json' with { type: 'json' }
import { root } from '../lib/runtimes.ts'
import { emptyProject, type Project } from './project.ts'
import { type Registry, startRegistry } from './registry.ts'

const majors = [20, 22, 24, 26]
/** Since 22.18 without a flag. */
const runsTypes = (major: number) => major >= 22

let registry: Registry
let project: Project
let versions: Project
before(async () => {
  registry = await startRegistry()
  project = emptyProject(registry)
  versions = emptyProject()
  await project.run(['npm', 'install', 'hangup', 'hono', '@hono/node-server', 'ws'])
  try {
    // The package `node` would run a script to install one of these.
    const { platform, arch } = process
    const prefix = platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node'
    const name = [prefix, platform === 'win32' ? 'win' : platform, arch].join('-')
    await versions.run(['npm', 'install', ...majors.map((major) => `node-${major}@npm:${name}@${major}`)], 0, 400_000)
  } catch (error) {
    throw new Error('test:package installs Node 20 to 26 from the registry of npm, and that failed', { cause: error })
  }
})
after(() => {
  project.remove()
  versions.remove()
  registry.close()
})

const listen = ['--port', '0', '--host', '127.0.0.1', '--report', 'json']

/** The command in all its parts, however it is started. */
async function works(hangup: readonly string[], runtime: string): Promise<void> {
  assert.equal(await project.run([...hangup, '--version']), `hangup ${packageJson.version} on ${runtime}\n`)
  const app = await project.start([...hangup, 'serve', '--app', 'page.mjs', '--idle-timeout', '1s', ...listen])
  const gateway = await project.start([...hangup, 'gateway', '--to', app, ...listen])
  assert.equal(await (await fetch(gateway)).text(), 'a page')
  const probe = [...hangup, 'probe', app, '--expect', 'idle-timeout=1s', '--case', 'idle-after-response']
  assert.match(await project.run(probe), /1 pass/)
}

for (const major of majors) {
  describe(`Node ${major}`, () => {
    const node = () => join(versions.folder, `node_modules/node-${major}/bin/node`)

    test('is what it says', async () => {
      assert.match(await project.run([node(), '--version']), new RegExp(`^v${major}\\.`))
    })

    test('serves pages and WebSockets, runs a gateway and a probe', async () => {
      for (const program of ['app.mjs', 'required.cjs', 'gateway.mjs', 'probe.mjs']) {
        assert.match(await project.run([node(), program]), /^fine$/m)
      }
    })

    test('has the command', () => works([node(), 'node_modules/hangup/dist/src/cli.js'], 'node'))

    test('says what to do where it runs no TypeScript', { skip: runsTypes(major) }, async () => {
      const serve = [node(), 'node_modules/hangup/dist/src/cli.js', 'serve', '--app', 'bundled.ts']
      await assert.rejects(project.run(serve), /ended with 2:(.|\n)*Node 22\.18 or later/)
    })

    test('runs a TypeScript application', { skip: !runsTypes(major) }, async () => {
      assert.equal(await project.run([node(), '--no-warnings', 'bundled.ts']), 'bundled\n')
    })
  })
}

test('JSR would take it, with types that are inferred', async () => {
  const publish = ['deno', 'publish', '--dry-run', '--allow-dirty', '--allow-slow-types']
  await project.run([...publish, '--config', join(root, 'deno.json')])
})

describe('one file', () => {
  test('of the command serves, forwards and probes', async () => {
    const outfile = join(project.folder, 'hangup')
    await project.run(['bun', 'build', '--compile', join(root, 'src/cli.ts'), '--outfile', outfile])
    await works([outfile], 'bun')
  })

  test('of an application with the package serves', async () => {
    await project.run(['bun', 'build', '--compile', 'bundled.ts', '--outfile', 'bundled'])
    assert.equal(await project.run([join(project.folder, 'bundled')]), 'bundled\n')
  })
})
