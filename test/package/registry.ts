/**
 * A package registry on loopback: hangup as `npm pack` makes it, and what a project needs beside
 * it, packed out of this checkout's node_modules. With it npm, Bun and Deno install by name, as
 * users do, and without a network.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import packageJson from '../../package.json' with { type: 'json' }
import lock from '../../package-lock.json' with { type: 'json' }
import { environment, root } from '../lib/runtimes.ts'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

interface Packed {
  readonly manifest: Manifest
  readonly tarball: Buffer
}

export interface Registry {
  readonly url: string
  /** Where the tarball of hangup is. */
  readonly tarball: string
  close(): void
}

/** What users bring: Hono, the WebSockets of Node, the types of Node. */
const beside = ['hono', 'ws', '@types/node']

const run = promisify(execFile)

export async function startRegistry(): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), 'hangup-registry-'))
  const needed = closure([...Object.keys(packageJson.dependencies), ...beside])
  const pack = (...args: string[]) =>
    run('npm', ['pack', '--pack-destination', folder, ...args], { cwd: root, env: environment })
  await Promise.all([pack(), pack('--ignore-scripts', ...needed.map((name) => `./node_modules/${name}`))])
  const own = join(folder, `hangup-${packageJson.version}.tgz`)
  const packed = new Map<string, Packed>()
  packed.set('hangup', { manifest: packageJson, tarball: readFileSync(own) })
  for (const name of needed) {
    const manifest = manifestOf(name)
    const file = `${name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`
    packed.set(name, { manifest, tarball: readFileSync(join(folder, file)) })
  }

  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1)
    const [name = '', isTarball] = path.endsWith('/-/it.tgz') ? [path.slice(0, -'/-/it.tgz'.length), true] : [path]
    const found = packed.get(name)
    if (found === undefined) response.writeHead(404).end()
    else if (isTarball) response.end(found.tarball)
    else response.setHeader('Content-Type', 'application/json').end(JSON.stringify(documentOf(found, url)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    url,
    tarball: own,
    close() {
      server.close()
      server.closeAllConnections()
      rmSync(folder, { recursive: true })
    },
  }
}

function documentOf({ manifest, tarball }: Packed, url: string): object {
  const { name, version } = manifest
  const digest = (kind: string, as: 'base64' | 'hex') => createHash(kind).update(tarball).digest(as)
  const dist = {
    tarball: `${url}${name}/-/it.tgz`,
    shasum: digest('sha1', 'hex'),
    integrity: `sha512-${digest('sha512', 'base64')}`,
  }
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } }
}

const manifestOf = (name: string): Manifest =>
  JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'))

/** They and all that they need, as far as it is installed at the root of node_modules. */
function closure(names: readonly string[]): readonly string[] {
  const found = new Set<string>()
  const visit = (name: string): void => {
    if (found.has(name) || !(`node_modules/${name}` in lock.packages)) return
    found.add(name)
    for (const needed of Object.keys(manifestOf(name).dependencies ?? {})) visit(needed)
  }
  names.forEach(visit)
  return [...found]
}
