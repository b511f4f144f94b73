/**
 * The conformance suite's subjects here: a gateway in front of gevent.pywsgi on each runtime, and
 * gevent.pywsgi alone.
 */

import { resolveOptions } from '../../src/policy/resolve.ts'
import type { Deviation } from '../../src/probe/judge/verdict.ts'
import { type PathName, pathNames } from '../../src/probe/terms.ts'
import { profiles } from '../conformance/profiles.ts'
import { type Runtime, runtimes } from '../conformance/runtimes.ts'
import { type Server, startServer } from '../conformance/server.ts'
import type { Subject } from '../conformance/suite.ts'
import { hangupOn, type RuntimeName } from '../lib/runtimes.ts'
import { urlOf } from '../lib/server.ts'
import { startGevent } from './python.ts'

/**
 * WSGI has no upgrades, and does not show the client's side of a connection that is the gateway's.
 */
const withoutPaths: readonly PathName[] = ['whoami', 'ws']

/**
 * Answers of the application's own to a request whose body is still on its way are part of the
 * suite, so requests stream. An answer that never ends is not to fill the disk.
 */
const flags = ['--buffer', 'response', '--spool-body', '4mb']

const deviations: readonly Deviation[] = [
  {
    cases: ['head-fields-counted'],
    what: 'gevent.pywsgi takes a hundred fields, and the gateway adds its own to those of the client',
    issue: 'https://github.com/python/cpython/blob/3.11/Lib/http/client.py#L112',
  },
  {
    cases: ['no-continue-before-refusal'],
    what: '100 is written before the backend is asked, as the RFC allows: it never sees Expect',
    issue: 'https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1',
  },
  {
    cases: ['drain-announced'],
    what: 'the page that a balancer asks is the backend’s, which is not the one that ends',
    issue: 'https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination',
  },
]

/** Each server of the suite is a gateway and a gevent.pywsgi of its own. */
export function throughGateway(name: RuntimeName): Subject {
  return {
    name: `gateway on ${name}`,
    // Its routes are those of its configuration, and what computes is the backend.
    profiles: runtimes['node-hangup'].profiles.filter((profile) => profile !== 'routed' && profile !== 'behind'),
    deviations,
    async start(profile, transport): Promise<Server> {
      const backend = await startGevent(null)
      const runtime: Runtime = {
        ...runtimes['node-hangup'],
        command: [...hangupOn(name, 'gateway'), '--to', urlOf(backend), ...flags],
        withoutPaths,
        ownApp: false,
      }
      try {
        const server = await startServer(runtime, profile, transport)
        const { process: gateway } = server.target
        return {
          ...server,
          target: {
            ...server.target,
            // What the application has counted is the backend's to say.
            ...(gateway && {
              process: {
                signal: gateway.signal,
                exited: gateway.exited.then(async ({ code }) => {
                  backend.signal('SIGTERM')
                  return { code, stdout: (await backend.exited).stdout }
                }),
              },
            }),
          },
          async stop() {
            await server.stop()
            await backend.kill()
          },
        }
      } catch (error) {
        await backend.kill()
        throw error
      }
    },
  }
}

/** Judged by what the gateway in front of it promises. */
export const geventAlone: Subject = {
  name: 'gevent.pywsgi',
  profiles: ['timed'],
  deviations: [],
  async start(profile) {
    const backend = await startGevent(null)
    const { policy } = resolveOptions(profiles[profile].policy)
    return {
      stderr: backend.stderr,
      stop: backend.kill,
      target: {
        host: '127.0.0.1',
        port: backend.port,
        tls: false,
        policy,
        profile,
        paths: Object.fromEntries(
          pathNames
            .filter((path) => !withoutPaths.includes(path))
            .map((path): [PathName, string] => [path, path === 'hello' ? '/' : `/${path}`]),
        ),
        pid: backend.pid,
      },
    }
  },
}
