import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { type LimitModule, limits } from './list.ts'

/** `idleTimeoutMs` is in `idle-timeout.ts`. */
const fileOf = (option: string): string =>
  `${option.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`

test('the list has every limit of the folder, each in the file of its name', () => {
  const files = readdirSync(new URL('.', import.meta.url)).filter((file) => !file.startsWith('list.'))
  assert.deepEqual(Object.keys(limits).map(fileOf).sort(), files.sort())
})

test('a module exports what a limit is made of, and nothing else', () => {
  const parts = { spec: true, heldBy: true, byRoute: true, reasons: true, rules: true, heldIn: true } satisfies Record<
    keyof LimitModule,
    true
  >
  for (const [option, limit] of Object.entries(limits)) {
    for (const name of Object.keys(limit)) assert.ok(Object.hasOwn(parts, name), `${option}: ${name}`)
  }
})

test('no two limits give a reason the same name', () => {
  const names = Object.values(limits).flatMap((limit) => ('reasons' in limit ? Object.keys(limit.reasons) : []))
  assert.deepEqual(names, [...new Set(names)])
})

test('a rule stands with the first of its options', () => {
  for (const [option, limit] of Object.entries(limits)) {
    if (!('rules' in limit)) continue
    for (const { options } of Object.values(limit.rules)) assert.equal(options[0], option)
  }
})
