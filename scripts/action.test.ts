import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readReport } from '../src/probe/reports/report.ts'
import { freePort } from '../test/lib/free-port.ts'
import { run } from '../test/lib/program.ts'
import { root } from '../test/lib/runtimes.ts'
import { argumentsOf, failOnOf, isRed } from './action.ts'

const yml = await readFile(`${root}action.yml`, 'utf8')
const block = (name: string) => yml.split(/^(?=\w)/m).find((one) => one.startsWith(`${name}:`)) ?? ''
const keysOf = (text: string) => [...text.matchAll(/^ {2}([\w-]+):$/gm)].map(([, key = '']) => key)
const variableOf = (input: string) => `PROBE_${input.toUpperCase().replace('-', '_')}`

test('action.yml hands every input to the script that reads it, and nothing else', async () => {
  const inputs = keysOf(block('inputs'))
  assert.ok(inputs.length > 5)
  const handed = [...yml.matchAll(/^ {8}(PROBE_\w+): \$\{\{ inputs\.([\w-]+) \}\}$/gm)]
  assert.deepEqual(
    handed.map(([, , input]) => input),
    inputs,
  )
  for (const [, variable, input = ''] of handed) assert.equal(variable, variableOf(input))
  const script = await readFile(`${root}scripts/action.ts`, 'utf8')
  for (const input of inputs) {
    const short = variableOf(input).slice('PROBE_'.length)
    assert.ok(script.includes(`input('${short}')`) || script.includes(`'PROBE_${short}'`), input)
  }
})

test('docs/ci.md has a row for each input and names each output', async () => {
  const page = await readFile(`${root}docs/ci.md`, 'utf8')
  for (const input of keysOf(block('inputs'))) assert.ok(page.includes(`\n| \`${input}\` |`), input)
  for (const output of keysOf(block('outputs'))) assert.ok(page.includes(`\`${output}\``), output)
})

test('action.yml runs no step of a third party', () => {
  assert.deepEqual(
    [...yml.matchAll(/uses: (\S+)/g)].map(([, uses]) => uses),
    ['actions/setup-node@v4'],
  )
})

test('inputs become the flags of hangup probe', () => {
  assert.deepEqual(
    argumentsOf({
      PROBE_URL: 'http://127.0.0.1:1',
      PROBE_PATHS: 'slow=/wait?ms={ms}\n\n  early=/e\nendless=/f\n',
      PROBE_LIMITS: 'idle-timeout=5s',
      PROBE_BEHIND: '',
      PROBE_INSECURE: 'true',
    }),
    [
      ...['http://127.0.0.1:1', '--quiet', '--slow-path', '/wait?ms={ms}', '--paths', 'early=/e,endless=/f'],
      ...['--expect', 'idle-timeout=5s', '--insecure'],
    ],
  )
  assert.throws(() => argumentsOf({}), /url: it is missing/)
  assert.throws(() => argumentsOf({ PROBE_URL: 'x', PROBE_PATHS: '/wait' }), /paths: \/wait is no page/)
  assert.throws(() => failOnOf({ PROBE_FAIL_ON: 'leak' }), /fail-on: leak is none of failed, leaks, nothing/)
})

/** Runs the step as the action does: its own shell line, with the environment of a runner. */
async function step(t: { after(then: () => Promise<void>): void }, inputs: Record<string, string>) {
  const temp = await mkdtemp(join(tmpdir(), 'hangup-action-'))
  t.after(() => rm(temp, { recursive: true }))
  const line = /run: (node .*)$/m.exec(yml)?.[1] ?? ''
  const env = {
    ...Object.fromEntries(keysOf(block('inputs')).map((input) => [variableOf(input), ''])),
    ...Object.fromEntries(Object.entries(inputs).map(([input, value]) => [variableOf(input), value])),
    ...{ GITHUB_ACTION_PATH: root, RUNNER_TEMP: temp },
    ...{ GITHUB_OUTPUT: `${temp}/output`, GITHUB_STEP_SUMMARY: `${temp}/summary.md` },
  }
  const {
    code: status,
    stdout,
    stderr,
  } = await run(null, ['bash', '-e', '-o', 'pipefail', '-c', line], { cwd: temp, env })
  const file = (name: string) => readFile(`${temp}/${name}`, 'utf8').catch(() => '')
  const output = Object.fromEntries((await file('output')).split('\n').map((one) => one.split(/=(.*)/s).slice(0, 2)))
  return { status, said: stdout + stderr, output, summary: await file('summary.md') }
}

test('the step starts the server, probes it, writes summary and outputs, and ends it', async (t) => {
  const port = await freePort()
  const inputs = {
    url: `http://127.0.0.1:${port}`,
    start: `node ${root}test/peers/apps/node.ts ${port}`,
    limit: '1s',
    cases: 'idle-after-response',
  }
  const { status, said, output, summary } = await step(t, { ...inputs, 'fail-on': 'leaks' })
  assert.equal(status, 1, said)
  assert.match(summary, /## It leaks/)
  assert.match(
    summary,
    /\| ✗ idle \| – \| \*\*a connection that was idle after its response was not closed within 1s\*\*/,
  )
  assert.equal(output['leaks'], '1')
  assert.equal(output['failed'], '1')
  const report = readReport(await readFileOf(output['json']), 'json')
  assert.deepEqual([isRed(report, 'failed'), isRed(report, 'leaks'), isRed(report, 'nothing')], [true, true, false])
  assert.match(await readFileOf(output['junit']), /<testsuites/)
  assert.match(await readFileOf(output['html']), /^<!doctype html>/)
  await assert.rejects(fetch(inputs.url), 'it was ended')
})

test('the step says which input is wrong, and why the server did not come up', async (t) => {
  const wrong = await step(t, { url: '127.0.0.1' })
  assert.equal(wrong.status, 2)
  assert.match(wrong.said, /::error::url: /)
  const gone = await step(t, { url: 'http://127.0.0.1:9', start: 'exit 3' })
  assert.equal(gone.status, 2)
  assert.match(gone.said, /::error::start: exit 3: it ended with 3/)
})

// Outputs are read while their directory is still there.
const readFileOf = (path: string | undefined) => readFile(path ?? '', 'utf8')
