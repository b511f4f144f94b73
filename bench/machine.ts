/**
 * On what a table was measured: it says machine, date and versions, because no figure means
 * anything without.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, type } from 'node:os'
import { commands } from './contenders.ts'

export interface Stamp {
  readonly machine: string
  /** The day, UTC. */
  readonly date: string
  readonly versions: Readonly<Record<string, string>>
}

/** How each says its version; the first thing in its output that looks like one counts. */
const asked = {
  node: [...commands.node, '--version'],
  bun: [commands.bun[0], '--version'],
  deno: [commands.deno[0], '--version'],
  wrk: ['wrk', '--version'],
  nginx: ['nginx', '-v'],
  HAProxy: ['haproxy', '-v'],
  Caddy: ['caddy', 'version'],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** npm packages that are compared, or served by what is. */
const packages = ['hono', '@hono/node-server', 'srvx'] as const

export type Program = keyof typeof asked | (typeof packages)[number]

const isPackage = (program: Program): program is (typeof packages)[number] =>
  (packages as readonly Program[]).includes(program)

/** null: it is not installed. */
export function versionOf(program: Program): string | null {
  if (isPackage(program)) {
    const path = new URL(`../node_modules/${program}/package.json`, import.meta.url)
    return JSON.parse(readFileSync(path, 'utf8')).version
  }
  const [name = '', ...args] = asked[program]
  const { stdout, stderr, error } = spawnSync(name, args, { encoding: 'utf8' })
  if (error) return null
  return /\d+\.\d+(?:\.\d+)?/.exec(stdout + stderr)?.[0] ?? null
}

export function stampOf(programs: readonly Program[]): Stamp {
  const cores = cpus()
  const model = (cores[0]?.model ?? 'unknown processor').replace(/\(R\)|\(TM\)/g, '').trim()
  // What a distribution or a host adds to the kernel's version says nothing to others.
  const kernel = /^\d+(\.\d+)*/.exec(release())?.[0] ?? release()
  return {
    machine: `${model}, ${cores.length} cores, ${type()} ${kernel}`,
    date: new Date().toISOString().slice(0, 10),
    versions: Object.fromEntries(
      programs.flatMap((program) => {
        const version = versionOf(program)
        return version === null ? [] : [[program, version]]
      }),
    ),
  }
}

/** One line above a table. */
export const stampLine = ({ machine, date, versions }: Stamp): string =>
  `${[date, machine, ...Object.entries(versions).map(([name, version]) => `${name} ${version}`)].join(' · ')}`
