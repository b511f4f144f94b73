import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readOption } from './option.ts'
import { optionNames, optionSpecs } from './policy.ts'

function parse(option: (typeof optionNames)[number], value: unknown) {
  const read = readOption(optionSpecs[option], value)
  return 'value' in read ? { success: true, output: read.value } : { success: false, output: null }
}

describe('the policy’s table', () => {
  test('names the unit of every option, or what it counts', () => {
    const suffix = {
      duration: /Ms$/,
      bytes: /Bytes$/,
      rate: /BytesPerSec$/,
      count: /^max|Descriptors$/,
      streams: /^streams$/,
    }
    for (const option of optionNames) assert.match(option, suffix[optionSpecs[option].kind])
  })

  test('takes its own defaults', () => {
    for (const option of optionNames) {
      const { default: value } = optionSpecs[option]
      if (value !== 'derived') assert.equal(parse(option, value).output, value, option)
    }
  })

  test('holds the defaults that are fixed', () => {
    const fixed = {
      minBodyBytesPerSec: 240,
      minResponseBytesPerSec: 240,
      minRateGraceMs: 5_000,
      maxBodyBytes: 2 ** 30,
      drainTimeoutMs: 10_000,
      drainDelayMs: 0,
      drainSpreadMs: 0,
      minIdleMs: 1_000,
      discardTimeoutMs: 5_000,
      discardBytes: 2 ** 20,
      handshakeTimeoutMs: 10_000,
      maxRequestsPerConnection: 0,
      maxConnectionAgeMs: 0,
      handlerTimeoutMs: 0,
      streamIdleTimeoutMs: 0,
    }
    for (const [option, value] of Object.entries(fixed)) {
      assert.equal(optionSpecs[option as keyof typeof fixed].default, value, option)
    }
  })

  test('gives every default its reason and its source', () => {
    for (const option of optionNames) {
      const { what, why, source, peerSees } = optionSpecs[option]
      assert.ok(what && why && source && peerSees, option)
    }
  })

  test('reads numbers in the unit of the name and text with a unit as the same', () => {
    assert.equal(parse('idleTimeoutMs', 30_000).output, parse('idleTimeoutMs', '30s').output)
    assert.equal(parse('maxBodyBytes', 2 * 2 ** 30).output, parse('maxBodyBytes', '2gb').output)
    assert.equal(parse('idleTimeoutMs', 'off').output, 0)
  })

  test('refuses what cannot be', () => {
    for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5', '', 'soon', null, true, {}]) {
      assert.equal(parse('idleTimeoutMs', value).success, false, String(value))
    }
  })

  test('refuses off where a limit must be', () => {
    for (const option of optionNames) assert.equal(parse(option, 'off').success, optionSpecs[option].off, option)
  })
})
