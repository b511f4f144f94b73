/**
 * The package as `npm pack` makes it, installed by name in a project outside the checkout, and used
 * from each runtime.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import packageJson from '../../package.json' with { type: 'json' }
import { root } from '../lib/runtimes.ts'
import { emptyProject, type Project } from './project.ts'
import { type Registry, startRegistry } from './registry.ts'
import { bundleSizes, packageSizes } from './sizes.ts'

let registry: Registry
let project: Project
before(async () => {
  registry = await startRegistry()
  project = emptyProject(registry)
  await project.run(['npm', 'install', 'hangup', 'hono', '@hono/node-server', 'ws', '@types/node'])
})
after(() => {
  project.remove()
  registry.close()
})

const installed = () => join(project.folder, 'node_modules/hangup')
const filesOf = (folder: string) =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))

const runtimes = { node: ['node'], bun: ['bun', '--bun'], deno: ['deno', 'run', '-A'] }

describe('the tarball', () => {
  test('holds what is built, the license and the README, and nothing of the tests', () => {
    const files = filesOf(installed()).map((path) => path.slice(installed().length + 1))
    const odd = files.filter((path) => !/^dist\/(.*\.(js|d\.ts|d\.ts\.map)|sources\/.*\.ts)$/.test(path))
    assert.deepEqual(odd.toSorted(), ['LICENSE', 'README.md', 'package.json'])
    assert.deepEqual(
      files.filter((path) => /test|fake|fixture|bench|\/checks\//i.test(path)),
      [],
    )
  })

  for (const [what, { files, most, why }] of Object.entries(packageSizes)) {
    test(`is no larger than it says: ${what}`, () => {
      const some = filesOf(installed()).filter((path) => files.test(path.slice(installed().length + 1)))
      const bytes = some.reduce((sum, path) => sum + statSync(path).size, 0)
      assert.ok(bytes <= most, `${bytes} bytes, where ${most} are allowed: ${why}`)
      assert.ok(bytes > most / 2, `${bytes} bytes: ${most} is no limit`)
    })
  }

  test('tells an editor what each option is, and leads it to the sources of what has a name', () => {
    const maps = filesOf(installed()).filter((path) => path.endsWith('.d.ts.map'))
    const sources = maps.flatMap((path) =>
      JSON.parse(readFileSync(path, 'utf8')).sources.map((source: string) => join(path, '..', source)),
    )
    for (const source of sources) assert.ok(existsSync(source), source)
    const inDist = (path: string) => readFileSync(join(installed(), 'dist', path), 'utf8')
    assert.ok(sources.some((source) => source.endsWith('dist/sources/src/serve/contract.ts')))
    assert.match(inDist('src/serve/contract.d.ts'), /\/\*\* TCP port; 0 takes/)
    assert.match(
      inDist('src/policy/policy.d.ts'),
      /Quiet time between two requests[^/]*Default 5s, [^/]*The client sees: FIN[^/]*\*\/\n {2}readonly idleTimeoutMs\?: /,
    )
  })

  test('runs no script when it is installed', () => {
    const scripts = Object.keys(packageJson.scripts)
    assert.deepEqual(
      scripts.filter((name) => /^(pre|post)?(install|prepare)$/.test(name)),
      [],
    )
  })

  test('imports what it depends on, what the runtimes have, and its own files', () => {
    const known = new Set([
      ...Object.keys({ ...packageJson.dependencies, ...packageJson.peerDependencies }),
      ...builtinModules.flatMap((name) => [`node:${name}`]),
      'node:ffi',
      'bun:ffi',
      'cloudflare:workers',
    ])
    const files = new Set(filesOf(installed()))
    for (const path of files) {
      if (!/\.(js|d\.ts)$/.test(path)) continue
      for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(
        /(?:^|[;}])(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]/gm,
      )) {
        const inFolder = join(path, '..', path.endsWith('.d.ts') ? name.replace(/\.js$/, '.d.ts') : name)
        if (name.startsWith('.')) assert.ok(files.has(inFolder), `${path}: ${name}`)
        else assert.ok(known.has(/^(@[^/]+\/)?[^/]+/.exec(name)![0]), `${path}: ${name}`)
      }
    }
  })

  test('is as publint and arethetypeswrong want it', async () => {
    const tool = (name: string) => join(root, 'test/node_modules/.bin', name)
    await project.run([tool('publint'), 'run', registry.tarball, '--strict'])
    await project.run([tool('attw'), registry.tarball, '--profile', 'esm-only'])
  })
})

describe('a project of its own', { concurrency: 2 }, () => {
  for (const [runtime, command] of Object.entries(runtimes)) {
    test(`serves pages and WebSockets with its own Hono on ${runtime}`, async () => {
      assert.match(await project.run([...command, 'app.mjs']), /^fine$/m)
    })

    test(`may be one of CommonJS on ${runtime}`, async () => {
      assert.match(await project.run([...command, 'required.cjs']), /^fine$/m)
    })

    test(`runs a gateway and a probe on ${runtime}`, async () => {
      assert.match(await project.run([...command, 'gateway.mjs']), /^fine$/m)
      assert.match(await project.run([...command, 'probe.mjs']), /^fine$/m)
    })

    test(`has one copy of each module, whatever entry it comes from, on ${runtime}`, async () => {
      assert.match(await project.run([...command, 'shared.mjs']), /^fine$/m)
    })

    test(`has the command on ${runtime}`, async () => {
      const hangup = [...command, 'node_modules/hangup/dist/src/cli.js']
      assert.equal(await project.run([...hangup, '--version']), `hangup ${packageJson.version} on ${runtime}\n`)
      const listen = ['--port', '0', '--host', '127.0.0.1', '--report', 'json']
      const server = await project.start([...hangup, 'serve', ...listen])
      const gateway = await project.start([...hangup, 'gateway', '--to', server, ...listen])
      assert.equal(await (await fetch(gateway)).text(), 'hello\n')
    })
  }

  test('is checked by a strict compiler with the types of Node alone, those of its packages too', async () => {
    const tsc = [
      join(root, 'node_modules/.bin/tsc'),
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      'false',
      '--types',
      'node',
    ]
    const exact = ['--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--verbatimModuleSyntax']
    for (const module of [
      ['--module', 'node16'],
      ['--module', 'nodenext'],
      ['--module', 'preserve', '--moduleResolution', 'bundler'],
    ]) {
      await project.run([...tsc, ...exact, ...module, '--target', 'es2022', 'types.ts'])
    }
  })
})

describe('from an empty folder', { concurrency: 2 }, () => {
  const inEmpty = (what: (empty: Project) => Promise<void>) => async () => {
    const empty = emptyProject(registry)
    try {
      await what(empty)
    } finally {
      empty.remove()
    }
  }
  const version = (runtime: string) => `hangup ${packageJson.version} on ${runtime}`

  test(
    'npx has the command, and alone says what it can do',
    inEmpty(async (empty) => {
      assert.match(await empty.run(['npx', '--yes', 'hangup', '--version']), new RegExp(version('node')))
      await assert.rejects(empty.run(['npx', '--yes', 'hangup']), /ended with 2:(.|\n)*probe +Asks any HTTP server/)
    }),
  )

  test(
    'bun add installs the library, bunx has the command',
    inEmpty(async (empty) => {
      await empty.run(['bun', 'add', 'hangup', 'hono'])
      assert.match(await empty.run(['bun', '--bun', 'app.mjs']), /^fine$/m)
      assert.match(await empty.run(['bunx', '--bun', 'hangup', '--version']), new RegExp(version('bun')))
    }),
  )

  test(
    'deno add installs the library, deno run npm:hangup is the command',
    inEmpty(async (empty) => {
      await empty.run(['deno', 'add', 'npm:hangup', 'npm:hono'])
      assert.match(await empty.run(['deno', 'run', '-A', 'app.mjs']), /^fine$/m)
      assert.match(await empty.run(['deno', 'run', '-A', 'npm:hangup', '--version']), new RegExp(version('deno')))
    }),
  )
})

describe('a bundle of an application', { concurrency: 2 }, () => {
  const esbuild = [join(root, 'test/node_modules/.bin/esbuild'), '--bundle', '--format=esm', '--log-level=error']
  const bundlers = {
    'esbuild for Node': {
      bundle: [...esbuild, '--platform=node', '--outfile=out-node.mjs'],
      command: ['node', 'out-node.mjs'],
    },
    'esbuild for Deno': {
      bundle: [...esbuild, '--platform=node', '--conditions=deno', '--outfile=out-deno.mjs'],
      command: ['deno', 'run', '-A', 'out-deno.mjs'],
    },
    'bun build': { bundle: ['bun', 'build', '--target=bun', '--outfile=out-bun.mjs'], command: ['bun', 'out-bun.mjs'] },
  }
  for (const [name, { bundle, command }] of Object.entries(bundlers)) {
    test(`of ${name} serves, and starts nothing else`, async () => {
      await project.run([...bundle, 'bundled.ts'])
      assert.equal(await project.run(command), 'bundled\n')
    })
  }

  test('of esbuild for Bun names the right library on another runtime', async () => {
    const forBun = ['--platform=node', '--conditions=bun', '--external:bun:ffi', '--outfile=out-elsewhere.mjs']
    await project.run([...esbuild, ...forBun, 'bundled.ts'])
    await assert.rejects(project.run(['node', 'out-elsewhere.mjs']), /hangup\/bun .*is not for this runtime/)
  })

  for (const [what, { entry, conditions, atStart, inAll, why }] of Object.entries(bundleSizes)) {
    test(`is no larger than it says: ${what}`, async () => {
      const name = `size-${entry.replaceAll('/', '-')}-${conditions.join('-')}`
      writeFileSync(join(project.folder, `${name}.mjs`), `export * from '${entry}'`)
      const outputs = ['--splitting', `--outdir=${name}`, `--metafile=${name}.json`]
      const externals = ['cloudflare:workers', 'bun:ffi', 'node:ffi'].map((module) => `--external:${module}`)
      const how = ['--minify', '--platform=node', `--conditions=${conditions.join()}`, ...outputs, ...externals]
      await project.run([...esbuild, ...how, `${name}.mjs`])
      const meta: Metafile = JSON.parse(readFileSync(join(project.folder, `${name}.json`), 'utf8'))
      const start = bytesOfOurs(meta, (kind) => kind === 'import-statement')
      const all = bytesOfOurs(meta, () => true)
      assert.ok(start <= atStart && all <= inAll, `${start} of ${atStart} bytes, in all ${all} of ${inAll}: ${why}`)
      assert.ok(start > atStart / 2 && all > inAll / 2, `${start} bytes, in all ${all}: that is no limit`)
    })
  }

  test('imported and not called, every entry stays silent and ends', async () => {
    for (const command of Object.values(runtimes)) assert.equal(await project.run([...command, 'imports.mjs']), '')
  })
})

/** Of what esbuild says of a bundle. */
interface Metafile {
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly entryPoint?: string
        readonly imports: readonly { readonly path: string; readonly kind: string; readonly external?: boolean }[]
        readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>
      }
    >
  >
}

/** What is in the file of the entry, and in those that it imports in these ways. */
function bytesOfOurs({ outputs }: Metafile, follows: (kind: string) => boolean): number {
  const reached = new Set<string>()
  const visit = (path: string): void => {
    if (reached.has(path)) return
    reached.add(path)
    for (const { path: next, kind, external } of outputs[path]?.imports ?? []) {
      if (external !== true && follows(kind)) visit(next)
    }
  }
  for (const [path, { entryPoint }] of Object.entries(outputs)) if (entryPoint?.startsWith('size-')) visit(path)
  const inputs = [...reached].flatMap((path) => Object.entries(outputs[path]?.inputs ?? {}))
  const ours = inputs.filter(([path]) => path.includes('node_modules/hangup/'))
  return ours.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0)
}
