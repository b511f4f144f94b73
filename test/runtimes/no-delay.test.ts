/**
 * No engine lets a piece of a response wait for the acknowledgement of the one before (Nagle's
 * algorithm): the kernel is asked.
 */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { makeCertificate } from '../fixtures/tls/make.ts'
import { Client } from '../lib/client.ts'
import { run } from '../lib/program.ts'
import { runtimeCommands, runtimeNames } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'

const skip = process.platform !== 'linux' && 'descriptors are borrowed by pidfd_getfd'
const certificates = [makeCertificate(['localhost'])]

/** TCP_NODELAY of each connection that the process has accepted on the port. */
const readOptions = `
import ctypes, os, socket, sys
pid, port = int(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
pidfd = libc.syscall(434, pid, 0)
for fd in os.listdir(f'/proc/{pid}/fd'):
    if not os.readlink(f'/proc/{pid}/fd/{fd}').startswith('socket:'): continue
    mine = libc.syscall(438, pidfd, int(fd), 0)
    assert mine >= 0, os.strerror(ctypes.get_errno())
    with socket.socket(fileno=mine) as taken:
        try: taken.getpeername()
        except OSError: continue
        if taken.family in (socket.AF_INET, socket.AF_INET6) and taken.getsockname()[1] == port:
            print(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
`

async function noDelays(pid: number, port: number): Promise<readonly string[]> {
  const { code, stdout, stderr } = await run(null, ['python3', '-c', readOptions, String(pid), String(port)])
  assert.equal(code, 0, stderr)
  return stdout.trim().split('\n')
}

/** Connected, and beyond the handshake, before it has asked for anything. */
async function connected(t: TestContext, port: number, secure: boolean): Promise<void> {
  const client = new Client({ port, ...(secure && { tls: {} }) })
  t.after(() => client.destroy())
  await client.connected
}

describe('a connection sends each piece at once', { concurrency: 3, skip }, () => {
  for (const runtime of runtimeNames) {
    for (const engine of ['native', 'hangup']) {
      for (const secure of [false, true]) {
        test(`${runtime}, ${engine} engine${secure ? ', TLS' : ''}`, async (t) => {
          const { pid, port } = await startListener(t, runtimeCommands[runtime], {
            engine,
            ...(secure && { tls: { certificates } }),
          })
          await connected(t, port, secure)
          // The server may be a moment behind the kernel's accept.
          await connected(t, port, secure)
          const found = await noDelays(pid, port)
          assert.deepEqual(new Set(found), new Set(['1']), `${found}`)
        })
      }
    }
  }
})
