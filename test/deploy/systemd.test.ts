import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { parse } from '../../src/policy/units.ts'
import { graceMs, policyOf } from './command-line.ts'
import { folder, missing, text, unit } from './files.ts'

const skip = missing('systemd-analyze', 'checks units (Debian: systemd)')

/** Of 10: what systemd-analyze calls OK ends at 4.0; these units are at 1.3. */
const mostExposure = 1.5

const analyze = (...args: readonly string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' })

for (const name of ['hangup.service', 'hangup-gateway.service']) {
  const path = `${folder}systemd/${name}`
  const values = unit(`systemd/${name}`)
  const command = values.get('ExecStart')![0]!.split(' ')

  describe(`deploy/systemd/${name}`, () => {
    test('systemd takes it', { skip }, () => {
      const { status, stderr } = analyze('verify', '--man=no', path)
      // Where the runtime is not installed there, that is all that it may find.
      const found = stderr.split('\n').filter((line) => line !== '' && !/Command \S+ is not executable/.test(line))
      assert.deepEqual(found, [])
      if (!stderr) assert.equal(status, 0)
    })

    test(`leaves the service little to attack: at most ${mostExposure} of 10`, { skip }, () => {
      const { status, stdout } = analyze('security', '--offline=true', `--threshold=${mostExposure * 10}`, path)
      assert.equal(status, 0, stdout.split('\n').at(-2))
    })

    test('starts the runtime itself, with what the command line takes', () => {
      assert.equal(command[0], '/usr/bin/node')
      policyOf(command)
    })

    test('waits for the drain before SIGKILL', () => {
      assert.equal(values.get('KillSignal')?.[0], 'SIGTERM')
      assert.equal(parse('duration', values.get('TimeoutStopSec')![0]!), graceMs(policyOf(command)))
    })

    test('does not start again what a wrong setting ended', () => {
      assert.equal(values.get('RestartPreventExitStatus')?.[0], '2')
    })
  })
}

test('both units are hardened in the same way', () => {
  const hardening = (name: string) => /^DynamicUser=.*?^SystemCallErrorNumber=/ms.exec(text(`systemd/${name}`))?.[0]
  assert.ok(hardening('hangup.service'))
  assert.equal(hardening('hangup.service'), hardening('hangup-gateway.service'))
})
