/** The files of `deploy/`, read as their tools read them. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parse, parseAllDocuments } from 'yaml'
import { environment, root } from '../lib/runtimes.ts'

export const folder = `${root}deploy/`

export const text = (path: string): string => readFileSync(folder + path, 'utf8')

export const yaml = (path: string): any => parse(text(path))

export interface Instruction {
  readonly name: string
  /** As it is written, lines joined. */
  readonly rest: string
  /** The words of the exec form; undefined: it is not in that form. */
  readonly words?: readonly string[]
}

/** The instructions of a Dockerfile, comments left out. */
export function dockerfile(path: string): readonly Instruction[] {
  const joined = text(path)
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
  return joined
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
      const list = /\[.*\]$/.exec(rest)?.[0]
      return { name, rest, ...(list !== undefined && { words: JSON.parse(list) as string[] }) }
    })
}

/** The stage that becomes the image. */
export function lastStage(path: string): readonly Instruction[] {
  const all = dockerfile(path)
  return all.slice(all.findLastIndex(({ name }) => name === 'FROM'))
}

export const wordsOf = (stage: readonly Instruction[], name: string): readonly string[] =>
  stage.find((instruction) => instruction.name === name)?.words ?? []

/** The values of each key of a unit file, in the order in which they are written. */
export function unit(path: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>()
  for (const [, key = '', value = ''] of text(path).matchAll(/^([A-Za-z]+)=(.*)$/gm)) {
    values.set(key, [...(values.get(key) ?? []), value])
  }
  return values
}

export interface Resource {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  readonly spec: any
}

/** What `kubectl apply -k` of this folder sends. */
export function kustomized(overlay: string): readonly Resource[] {
  const { stdout, stderr, status } = spawnSync('kubectl', ['kustomize', `${folder}kubernetes/${overlay}`], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return parseAllDocuments(stdout).map((document) => document.toJS())
}

/** `false`, or why a test can't run here, said so that nobody overlooks it. */
export function missing(program: string, what: string, args: readonly string[] = ['--version']): string | false {
  if (spawnSync(program, args, { env: environment }).error === undefined) return false
  const why = `NOT TESTED: no ${program}, which ${what}`
  console.error(`\n*** ${why} ***\n`)
  return why
}
