/** The server behind the application, for those that pass on what they fetch. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

const routes: Readonly<Record<string, (incoming: IncomingMessage, outgoing: ServerResponse) => void>> = {
  '/text': (_, outgoing) =>
    outgoing.writeHead(200, { 'content-type': 'text/plain', 'content-length': 6 }).end('behind'),
  '/chunked': (_, outgoing) => {
    outgoing.writeHead(200, { 'content-type': 'text/plain', 'keep-alive': 'timeout=77', 'x-from': 'backend' })
    outgoing.write('be')
    setTimeout(() => outgoing.end('hind'), 20)
  },
  '/gzip': (_, outgoing) => {
    const body = gzipSync('behind '.repeat(200))
    outgoing
      .writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip', 'content-length': body.length })
      .end(body)
  },
  '/cookies': (_, outgoing) =>
    outgoing
      .writeHead(200, { 'set-cookie': ['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2065 07:28:00 GMT'] })
      .end('cookies'),
  '/empty': (_, outgoing) => outgoing.writeHead(204).end(),
  '/unchanged': (_, outgoing) => outgoing.writeHead(304, { etag: '"1"' }).end(),
  '/echo': (incoming, outgoing) => {
    const parts: Buffer[] = []
    incoming.on('data', (part) => parts.push(part))
    incoming.on('end', () => {
      const body = Buffer.concat(parts)
      const { method, headers } = incoming
      const said = { method, length: body.length, type: headers['content-type'] ?? null, x: headers['x-asked'] ?? null }
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(said))
    })
  },
  '/cut': (_, outgoing) => {
    outgoing.writeHead(200, { 'content-type': 'text/plain', 'content-length': 100 })
    outgoing.write('half of')
    setTimeout(() => outgoing.destroy(), 30)
  },
  '/never': () => {},
}

export interface Backend {
  readonly url: string
  stop(): void
}

export async function startBackend(): Promise<Backend> {
  const server = createServer((incoming, outgoing) => {
    const route = routes[incoming.url ?? '']
    if (route) route(incoming, outgoing)
    else outgoing.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}
