/** What an access log is told of a response of `node:http` or `node:http2`. */
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Answered } from '../../src/observe/access.ts'

export function accessTo(
  { req, statusCode }: ServerResponse | Http2ServerResponse,
  ms: number,
): Omit<Answered, 'connection' | 'peer' | 'bytes'> {
  return {
    method: req.method ?? '',
    target: req.url ?? '',
    protocol: `HTTP/${req.httpVersion}`,
    status: statusCode,
    ms,
    header: (name) => req.headers[name]?.toString() ?? null,
  }
}
