/**
 * Builds the images of `deploy/image` with buildah and runs them: the Dockerfiles as they are, on
 * base images that are made here of this machine's runtimes, because the real ones come from a
 * registry. Root on Linux; `npm run test:deploy`.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../lib/free-port.ts'
import { environment, root } from '../lib/runtimes.ts'
import { dockerfile, missing } from './files.ts'
import { makeProject } from './project.ts'

const skip =
  missing('buildah', 'builds images (Debian: buildah)') ||
  missing('bwrap', 'runs them (Debian: bubblewrap)') ||
  (process.getuid?.() === 0 ? false : 'NOT TESTED: images are built by root')

const work = skip ? '' : mkdtempSync(join(tmpdir(), 'hangup-images-'))
const context = join(work, 'context')
const npmrc = join(work, 'npmrc')

const buildah = (...args: readonly string[]): string =>
  execFileSync('buildah', ['--root', join(work, 'store'), '--runroot', join(work, 'run'), ...args], {
    encoding: 'utf8',
    cwd: context,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
  }).trim()

const bin = `${root}node_modules/.bin/`
const npm = dirname(dirname(realpathSync(execFileSync('which', ['npm'], { encoding: 'utf8' }).trim())))

/** A root with what these programs need and nothing else, by where each is in it. */
function makeRoot(path: string, programs: Readonly<Record<string, string>>): void {
  for (const folder of ['tmp', 'proc', 'dev', 'etc', 'root']) mkdirSync(join(path, folder), { recursive: true })
  writeFileSync(join(path, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  for (const [at, program] of Object.entries(programs)) {
    cpSync(realpathSync(program), join(path, at), { recursive: true })
    const libraries = execFileSync('ldd', [realpathSync(program)], { encoding: 'utf8' }).matchAll(/\/\S+/g)
    for (const [library] of libraries) {
      if (existsSync(join(path, library))) continue
      mkdirSync(dirname(join(path, library)), { recursive: true })
      cpSync(realpathSync(library), join(path, library))
    }
  }
}

const shell = { '/bin/sh': '/bin/sh', '/usr/bin/env': '/usr/bin/env' }

/** By the beginning of the name that the Dockerfiles have for it. */
const bases: Readonly<Record<string, (path: string) => void>> = {
  'node:': (path) => {
    makeRoot(path, { ...shell, '/usr/local/bin/node': `${bin}node` })
    mkdirSync(join(path, 'usr/local/lib/node_modules'), { recursive: true })
    cpSync(npm, join(path, 'usr/local/lib/node_modules/npm'), { recursive: true })
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(path, 'usr/local/bin/npm'))
  },
  'oven/bun:1.4.5-slim': (path) => makeRoot(path, { ...shell, '/usr/local/bin/bun': `${bin}bun` }),
  'oven/bun:': (path) => makeRoot(path, { '/usr/local/bin/bun': `${bin}bun` }),
  'denoland/deno:': (path) => makeRoot(path, { '/bin/deno': `${bin}deno` }),
}

const runtimes = ['node', 'bun', 'deno'] as const
const fileOf = (runtime: string) => `${runtime}.Dockerfile`

/** What the images are built from, and what must not come along. */
function makeContext(): void {
  makeProject(context)
  execFileSync(`${bin}bun`, ['install', '--lockfile-only', '--silent'], { cwd: context, env: environment })
  writeFileSync(join(context, '.env'), 'SECRET=1')
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' })
  writeFileSync(npmrc, `registry=${registry}fetch-retries=0\n`)
}

function makeBases(): void {
  const names = new Set(
    runtimes.flatMap((runtime) =>
      dockerfile(`image/${fileOf(runtime)}`)
        .filter(({ name }) => name === 'FROM')
        .map(({ rest }) => rest.split(' ')[0]!),
    ),
  )
  for (const name of names) {
    const [, make] = Object.entries(bases).find(([start]) => name.startsWith(start)) ?? assert.fail(`no base ${name}`)
    const path = join(work, 'base', name)
    make(path)
    const container = buildah('from', 'scratch')
    buildah('add', container, path, '/')
    const variables = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      DENO_DIR: '/deno-dir/', // As in the image of Deno.
      NPM_CONFIG_USERCONFIG: '/etc/npmrc', // Mounted while an image is built.
      NODE_EXTRA_CA_CERTS: process.env['NODE_EXTRA_CA_CERTS'] ?? '',
    }
    buildah('config', ...Object.entries(variables).flatMap((each) => ['--env', each.join('=')]), container)
    const full = name.includes('/') ? name : `library/${name}`
    buildah('commit', '--rm', container, `docker.io/${full}`)
    rmSync(path, { recursive: true })
  }
}

interface Image {
  readonly path: string
  readonly config: {
    readonly User: string
    readonly Env: readonly string[]
    readonly WorkingDir: string
    readonly Entrypoint: readonly string[]
    readonly Cmd: readonly string[]
  }
  readonly healthCheck: readonly string[]
}

function build(runtime: string): Image {
  const tag = `hangup-${runtime}`
  const network = ['--network', 'host', '--isolation', 'chroot', '--pull-never', '--format', 'docker']
  const mounts = [`${npmrc}:/etc/npmrc:ro`, '/etc/ssl:/etc/ssl:ro'].flatMap((mount) => ['--volume', mount])
  buildah('build', ...network, ...mounts, '-f', fileOf(runtime), '-t', tag, '.')
  const { Docker } = JSON.parse(buildah('inspect', '--type', 'image', tag))
  const container = buildah('from', '--pull-never', tag)
  const path = buildah('mount', container)
  return { path, config: Docker.config, healthCheck: Docker.config.Healthcheck.Test.slice(1) }
}

const children = new Set<ChildProcess>()

/**
 * As a container runtime would: the image read-only, its user, no capability, its command as
 * process 1.
 */
function run({ path, config }: Image, words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [uid = '', gid = ''] = config.User.split(':')
  const variables: Record<string, string> = Object.fromEntries(config.Env.map((each) => each.split(/=(.*)/s, 2)))
  const child = spawn(
    'bwrap',
    [
      ...['--ro-bind', path, '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
      ...['--unshare-user', '--uid', uid, '--gid', gid, '--cap-drop', 'ALL'],
      ...['--unshare-pid', '--as-pid-1', '--unshare-ipc', '--new-session', '--die-with-parent', '--clearenv'],
      ...Object.entries({ ...variables, ...env }).flatMap(([name, value]) => ['--setenv', name, value]),
      ...['--chdir', config.WorkingDir, ...words],
    ],
    { stdio: 'pipe' },
  )
  children.add(child)
  let err = ''
  child.stderr.on('data', (text) => {
    err += text
  })
  const ended = new Promise<number | string | null>((resolve) => {
    child.once('exit', (status, signal) => resolve(status ?? signal))
  })
  return { child, ended, stderr: () => err }
}

/** The process that is 1 in there: bwrap's child, whose parent is bwrap. */
function processOneOf({ child }: ReturnType<typeof run>): number {
  const [pid] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
  return Number(pid)
}

describe('the images of deploy/image', { skip }, () => {
  before(() => {
    mkdirSync(context)
    makeContext()
    makeBases()
  })
  after(() => {
    for (const child of children) child.kill('SIGKILL')
    if (work !== '') {
      buildah('umount', '--all')
      rmSync(work, { recursive: true })
    }
  })

  for (const runtime of runtimes) {
    test(`the image of ${runtime} is built, and holds the runtime, the package and the application`, async () => {
      const image = build(runtime)
      const modules = join(image.path, 'app/node_modules')
      assert.ok(existsSync(join(modules, 'hangup/dist/src/cli.js')))
      assert.ok(!existsSync(join(modules, 'hangup/src')), 'the package, not the checkout')
      assert.ok(!existsSync(join(modules, 'itty-router')), 'no development dependency')
      assert.ok(!existsSync(join(image.path, 'app/.env')), 'nothing that .dockerignore keeps out')

      const port = String(await freePort())
      const env = { HANGUP_PORT: port, HANGUP_HOST: '127.0.0.1', HANGUP_REPORT: 'json', HANGUP_MIN_IDLE: 'off' }
      const server = run(image, [...image.config.Entrypoint, ...image.config.Cmd], env)
      const { value: line } = await createInterface(server.child.stdout)[Symbol.asyncIterator]().next()
      if (line === undefined) assert.fail(`it ended with ${await server.ended}: ${server.stderr()}`)
      const report = JSON.parse(line)
      assert.equal(report.runtime, runtime)
      assert.equal(await (await fetch(report.url)).text(), 'hello\n')

      const one = processOneOf(server)
      const status = readFileSync(`/proc/${one}/status`, 'utf8')
      assert.match(status, /^NSpid:.*\t1$/m, 'the runtime is process 1')
      assert.match(status, /^CapEff:\t0+$/m)
      assert.match(readFileSync(`/proc/${one}/cmdline`, 'utf8'), new RegExp(`^(\\S*/)?${basename(runtime)}\\0`))

      const check = image.healthCheck.map((word) => word.replace(':3000', `:${port}`))
      assert.equal(await run(image, check).ended, 0, 'healthy')

      const slow = fetch(`${report.url}slow`)
      await sleep(200)
      process.kill(one, 'SIGTERM')
      assert.equal(await (await slow).text(), 'slow\n', 'SIGTERM drains')
      assert.equal(await server.ended, 0, server.stderr())
      assert.equal(await run(image, check).ended, 1, 'unhealthy')
    })
  }
})
