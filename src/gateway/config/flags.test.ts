import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as v from 'valibot'
import { optionNames } from '../../policy/policy.ts'
import { specOf } from '../../policy/setting.ts'
import { flagOf } from '../../policy/spelling.ts'
import { gatewayEntries, overlay } from './flags.ts'
import { fileSettings } from './schema.ts'
import type { Setting, Table } from './setting.ts'
import { upstreamOptionNames } from './settings/limits.ts'

/** Every setting of the file, wherever it stands. */
function settingsIn(table: Table, around = ''): [path: string, setting: Setting][] {
  return Object.entries(table).flatMap(([name, setting]): [string, Setting][] => {
    const path = `${around}${name}`
    return [[path, setting], ...(setting.inside ? settingsIn(setting.inside.table, `${path}.`) : [])]
  })
}
const all = settingsIn(fileSettings)

describe('every setting', () => {
  for (const [path, { schema, spec, preset, kind }] of all) {
    test(`${path} says what it is, and takes its own default`, () => {
      assert.match(spec.what, /^[A-Z`].*[.]$/)
      assert.ok(spec.shown !== '' && spec.accepted !== '')
      if (spec.flag !== undefined) assert.ok(kind.asFlag !== null, 'a text can’t say it')
      // What is read is not always written in the same form.
      if (preset === null || typeof preset === 'object') return
      assert.deepEqual(v.safeParse(schema, preset).output, preset)
    })
  }

  test('with a flag has one of its own', () => {
    // A setting may stand in more than one place of the file.
    const flags = [...new Set(all.map(([, setting]) => setting))].flatMap(({ spec }) => spec.flag ?? [])
    assert.equal(new Set(flags).size, flags.length)
    const names = [...Object.keys(gatewayEntries), ...optionNames, ...upstreamOptionNames].map(flagOf)
    assert.equal(new Set(names).size, names.length)
    for (const flag of flags) assert.ok(specOf(gatewayEntries, flag) !== undefined, flag)
  })

  test('whose flag shows a default in one word takes that word', () => {
    for (const [path, { spec, preset }] of all) {
      if (spec.flag === undefined || preset === null || specOf(gatewayEntries, spec.flag)?.isSwitch) continue
      if (spec.shown === 'none') continue
      assert.ok(v.safeParse(gatewayEntries[spec.flag]!, spec.shown).success, `${path}: ${spec.shown}`)
    }
  })
})

describe('flags over a file', () => {
  const named = (setting: string) => flagOf(setting)

  test('speak of the first listener, and leave the others', () => {
    const file = { listen: [{ port: 1, host: 'a' }, { port: 2 }] }
    const over = overlay(file, { port: 3 }, named)
    assert.deepEqual(over.file.listen, [{ port: 3, host: 'a' }, { port: 2 }])
    assert.deepEqual([...over.names], [['listen[0].port', '--port']])
    assert.deepEqual(file.listen[0], { port: 1, host: 'a' })
  })

  test('that are repeated side by side make one object each, in the place of those of the file', () => {
    const file = { listen: { tls: [{ cert: 'x', key: 'y' }] } }
    const { file: over, names } = overlay(file, { tlsCert: ['a', 'b'], tlsKey: ['c'] }, named)
    assert.deepEqual(over.listen, { tls: [{ cert: 'a', key: 'c' }, { cert: 'b' }] })
    assert.equal(names.get('listen.tls[1].cert'), '--tls-cert')
    assert.equal(names.get('listen.tls[0].key'), '--tls-key')
  })

  test('turn off what is on by default, and the other way round', () => {
    const read = (flag: string, text: string) => v.safeParse(gatewayEntries[flag]!, text).output
    assert.equal(read('noReasonHeader', 'yes'), false)
    assert.equal(read('compress', 'yes'), true)
    assert.match(specOf(gatewayEntries, 'noReasonHeader')!.what, /^Turns off: the gateway’s own/)
  })
})
