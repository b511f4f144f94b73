import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import packageJson from '../../package.json' with { type: 'json' }
import { accepted } from './command-line.ts'
import { dockerfile, lastStage, text, wordsOf } from './files.ts'

const { bun, deno, node } = packageJson.devDependencies

const images = [
  { file: 'image/node.Dockerfile', runtime: 'node', version: node },
  { file: 'image/bun.Dockerfile', runtime: 'bun', version: bun },
  { file: 'image/deno.Dockerfile', runtime: 'deno', version: deno },
] as const

const everyDockerfile = [...images.map(({ file }) => file), 'compose/backend/Dockerfile']

for (const file of everyDockerfile) {
  describe(`deploy/${file}`, () => {
    test('starts its process itself, with no shell between it and the signals', () => {
      const stage = lastStage(file)
      for (const name of ['ENTRYPOINT', 'HEALTHCHECK', 'CMD']) {
        const instruction = stage.find((found) => found.name === name)
        if (instruction !== undefined) assert.ok(instruction.words, `${name} is in the shell form: ${instruction.rest}`)
      }
      assert.doesNotMatch(wordsOf(stage, 'ENTRYPOINT')[0] ?? '', /^(|npm|npx|bunx|sh|bash|.*tini)$/)
    })

    test('runs as a user who is a number and not root', () => {
      const user = lastStage(file).findLast(({ name }) => name === 'USER')?.rest ?? '0'
      assert.match(user, /^[1-9]\d*:[1-9]\d*$/)
    })

    test('is built on a version, not on a tag that moves', () => {
      for (const { rest } of dockerfile(file).filter(({ name }) => name === 'FROM')) {
        assert.match(rest, /:[^ ]*(\d+\.\d+\.\d+|trixie-slim)/)
      }
    })

    test('takes nothing but what it names into the image', () => {
      for (const { rest } of dockerfile(file).filter(({ name }) => name === 'COPY' || name === 'ADD')) {
        assert.doesNotMatch(rest, /(^|\s)\.\/?\s/, `COPY ${rest} takes whatever lies there`)
        assert.doesNotMatch(rest, /^https?:/)
      }
      assert.match(text(file.replace(/[^/]+$/, '.dockerignore')), /^\*$/m)
    })
  })
}

for (const { file, runtime, version } of images) {
  describe(`deploy/${file}`, () => {
    test(`runs the ${runtime} that the tests run`, () => {
      const from = dockerfile(file).filter(({ name }) => name === 'FROM')
      assert.equal(from.length, 2, 'one stage installs, another runs')
      assert.ok(from[1]!.rest.includes(version), `FROM ${from[1]!.rest} is not ${version}`)
      // Deno's packages are installed by npm.
      const installer = runtime === 'deno' ? node : version
      assert.ok(from[0]!.rest.includes(installer), `FROM ${from[0]!.rest} is not ${installer}`)
    })

    test('installs from a lock file, production dependencies only, without their scripts', () => {
      const run = dockerfile(file).find(({ name }) => name === 'RUN')?.rest ?? ''
      assert.match(run, /npm ci|--frozen-lockfile/)
      assert.match(run, /--omit=dev|--prod/)
      assert.match(run, /--ignore-scripts/)
      assert.ok(!lastStage(file).some(({ name }) => name === 'RUN'), 'the last stage runs nothing')
    })

    test('its command and its health check are what the command line takes', () => {
      const stage = lastStage(file)
      accepted([...wordsOf(stage, 'ENTRYPOINT'), ...wordsOf(stage, 'CMD')])
      accepted(wordsOf(stage, 'HEALTHCHECK'))
    })
  })
}
