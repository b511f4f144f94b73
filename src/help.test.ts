import assert from 'node:assert/strict'
import { test } from 'node:test'
import { help, overview } from './help.ts'
import { flagOf } from './names.ts'
import { optionNames } from './policy.ts'
import { presetNames } from './presets.ts'
import { commands, settingNames } from './settings.ts'

test('help lists every flag with its default and fits the terminal', () => {
  for (const columns of [80, 100, 120]) {
    const text = help('serve', 'hangup serve', columns)
    for (const name of [...settingNames, ...optionNames]) assert.match(text, new RegExp(`^  ${flagOf(name)} <`, 'm'))
    for (const name of presetNames) assert.ok(text.includes(name), name)
    assert.match(text, /--idle-timeout <duration> +Quiet time between two requests/)
    for (const line of text.split('\n')) assert.ok(line.length <= columns, `${line.length} > ${columns}: ${line}`)
  }
  for (const name of optionNames) assert.ok(!help('serve', 'hangup serve').includes(name), `${name} is no flag`)
  assert.match(help('serve', 'hangup serve', 120), /Quiet time between two requests on one connection. Default: 5s\./)
})

test('the overview lists every command', () => {
  const text = overview('hangup')
  for (const name of Object.keys(commands)) assert.match(text, new RegExp(`^  ${name} `, 'm'))
})
