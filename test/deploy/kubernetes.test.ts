import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accepted, graceMs, policyOf } from './command-line.ts'
import { kustomized, lastStage, missing, wordsOf } from './files.ts'
import { validate } from './kubernetes-schema.ts'

const skip = missing('kubectl', 'puts the manifests together (kubectl kustomize)', ['version', '--client'])

const image = lastStage('image/node.Dockerfile')

for (const overlay of skip ? [] : ['app', 'gateway']) {
  describe(`deploy/kubernetes/${overlay}`, () => {
    const resources = kustomized(overlay)
    const one = (kind: string): any => resources.find((resource) => resource.kind === kind) ?? assert.fail(`no ${kind}`)
    const pod = one('Deployment').spec.template
    const container = (name: string): any => pod.spec.containers.find((each: any) => each.name === name)
    const web = container('web')
    const words = [...wordsOf(image, 'ENTRYPOINT'), ...(web.args ?? wordsOf(image, 'CMD'))]
    const env = Object.fromEntries(web.env.map(({ name, value }: any) => [name, value]))

    test('is valid by the schemas of Kubernetes', async () => {
      for (const resource of resources) await validate(resource)
      const service = (port: object) => ({ ...one('Service'), spec: { ports: [port] } })
      await assert.rejects(validate(service({ port: 80, targetport: 'http' })), /ports\.0\.targetport/)
      await assert.rejects(validate(service({ port: 'http' })), /port must be integer/)
    })

    test('starts what the command line takes, on the port that it says', () => {
      accepted(words, env)
      const port = words.includes('--port') ? Number(words[words.indexOf('--port') + 1]) : 3000
      assert.equal(web.ports.find(({ name }: any) => name === 'http').containerPort, port)
    })

    test('waits for the drain before SIGKILL', () => {
      const policy = policyOf(words, env)
      assert.equal(pod.spec.terminationGracePeriodSeconds * 1000, graceMs(policy))
      assert.ok(policy.drainDelayMs > 0, 'the endpoints hear of the end while the server still accepts')
      assert.ok(policy.drainTimeoutMs - policy.drainDelayMs >= 10_000, 'requests in flight have time behind the delay')
    })

    test('each selector takes these pods and no others', () => {
      const { labels } = pod.metadata
      assert.ok(Object.keys(labels).length > 0)
      assert.deepEqual(one('Service').spec.selector, labels)
      assert.deepEqual(one('Deployment').spec.selector.matchLabels, labels)
      assert.deepEqual(one('PodDisruptionBudget').spec.selector.matchLabels, labels)
      assert.deepEqual(one('NetworkPolicy').spec.podSelector.matchLabels, labels)
      assert.deepEqual(pod.spec.topologySpreadConstraints[0].labelSelector.matchLabels, labels)
      const { kind, name } = one('HorizontalPodAutoscaler').spec.scaleTargetRef
      assert.equal(one(kind).metadata.name, name)
    })

    test('each port by name is a port of a container', () => {
      const named = new Set(pod.spec.containers.flatMap(({ ports }: any) => ports.map(({ name }: any) => name)))
      const used = [
        one('Service').spec.ports[0].targetPort,
        one('NetworkPolicy').spec.ingress[0].ports[0].port,
        ...pod.spec.containers.flatMap((each: any) =>
          ['startupProbe', 'readinessProbe', 'livenessProbe']
            .filter((probe) => each[probe])
            .map((probe) => (each[probe].httpGet ?? each[probe].tcpSocket).port),
        ),
      ]
      for (const port of used) assert.ok(named.has(port), `no container has a port ${port}`)
    })

    test('a pod may be taken away, and others stay', () => {
      assert.ok(one('HorizontalPodAutoscaler').spec.minReplicas > one('PodDisruptionBudget').spec.maxUnavailable)
      assert.equal(one('Deployment').spec.replicas, undefined, 'the autoscaler has the number')
    })

    test('no container is root, writes to its root, has a capability or an unpinned image', () => {
      const { runAsNonRoot, runAsUser, seccompProfile } = pod.spec.securityContext
      assert.deepEqual([runAsNonRoot, seccompProfile.type], [true, 'RuntimeDefault'])
      assert.equal(`${runAsUser}:${runAsUser}`, image.find(({ name }) => name === 'USER')?.rest)
      for (const { securityContext, image: named, resources: limits } of pod.spec.containers) {
        assert.equal(securityContext.readOnlyRootFilesystem, true)
        assert.equal(securityContext.allowPrivilegeEscalation, false)
        assert.deepEqual(securityContext.capabilities, { drop: ['ALL'] })
        assert.match(named, /:\d+\.\d+\.\d+$/)
        assert.ok(limits.limits.memory)
      }
    })

    test('no variable of a Service is mistaken for one of ours', () => {
      assert.equal(pod.spec.enableServiceLinks, false)
    })

    if (overlay === 'gateway') {
      test('what stands behind the gateway outlives its drain', () => {
        const { drainTimeoutMs } = policyOf(words, env)
        assert.equal(container('backend').lifecycle.preStop.sleep.seconds * 1000, drainTimeoutMs)
        assert.ok(words.includes(`http://127.0.0.1:${container('backend').ports[0].containerPort}`))
      })
    }
  })
}

test('the manifests of Kubernetes are put together', { skip }, () => {})
