/**
 * node:http; the second argument is what `createServer` takes, as JSON. Also what stands behind a
 * peer that is a proxy.
 */
import { createServer, type ServerOptions } from 'node:http'
import { argv } from 'node:process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const [, , port, options = '{}'] = argv
const chunk = Buffer.alloc(64 * 1024)

createServer(JSON.parse(options) as ServerOptions, async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
  const ms = Number(searchParams.get('ms') ?? 0)
  switch (pathname) {
    case '/':
      response.end('hello\n')
      break
    case '/slow':
      await sleep(ms)
      response.end('slow\n')
      break
    case '/stream':
      response.write('first\n')
      await sleep(ms)
      response.end('last\n')
      break
    case '/large': {
      const size = Number(searchParams.get('bytes'))
      response.setHeader('Content-Length', size)
      // Who goes away in the middle has had enough.
      await pipeline(Readable.from(chunks(size)), response).catch(() => {})
      break
    }
    case '/upload': {
      let bytes = 0
      request.on('data', (part: Buffer) => {
        bytes += part.length
      })
      request.on('error', () => {})
      request.on('end', async () => {
        await sleep(ms)
        response.end(`${bytes}\n`)
      })
      break
    }
    default:
      response.writeHead(404).end('no such page\n')
  }
}).listen(Number(port), '127.0.0.1')

function* chunks(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= chunk.length) yield chunk.subarray(0, Math.min(left, chunk.length))
}
