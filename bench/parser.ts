/**
 * Time per parsed head: a load generator's GET, and a browser's. `node bench/parser.ts`, also with
 * `bun` and `deno run`.
 */
import { limitsOf, type Sink } from '../src/http1/events.ts'
import type { RequestHead } from '../src/http1/head.ts'
import { RequestParser } from '../src/http1/parser.ts'
import { connectionLines, dateLine, responseHead } from '../src/http1/writer.ts'

const wrk = 'GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n'
const browser = [
  'GET /articles/2024/05/a-title-of-some-length?utm_source=feed&page=2 HTTP/1.1',
  'Host: www.example.com',
  'Connection: keep-alive',
  'Cache-Control: max-age=0',
  'sec-ch-ua: "Chromium";v="124", "Google Chrome";v="124", "Not-A.Brand";v="99"',
  'sec-ch-ua-mobile: ?0',
  'sec-ch-ua-platform: "Linux"',
  'Upgrade-Insecure-Requests: 1',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Sec-Fetch-Site: none',
  'Sec-Fetch-Mode: navigate',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9',
  'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark',
  '\r\n',
].join('\r\n')

let sum = 0
let read: (head: RequestHead) => number = (head) => head.path.length
const sink: Sink<RequestHead> = {
  onFull(head) {
    sum += read(head)
    parser.next()
  },
  onHead() {},
  onData() {},
  onEnd() {},
  onReject(reason) {
    throw new Error(reason)
  },
}
const parser = new RequestParser(sink, limitsOf({ maxHeadBytes: 16 * 1024, maxHeadFields: 100, maxBodyBytes: 0 }))

/** The median of five rounds, in µs. */
function microseconds(run: () => void, rounds = 200_000): number {
  for (let i = 0; i < rounds; i++) run()
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now()
    for (let i = 0; i < rounds; i++) run()
    return ((performance.now() - start) * 1000) / rounds
  })
  return times.sort((a, b) => a - b)[2]!
}

function say(what: string, us: number): void {
  console.log(`${what.padEnd(44)}${us.toFixed(3)} µs`)
}

const bytes = (text: string) => new TextEncoder().encode(text)
const small = bytes(wrk)
const large = bytes(browser)
say(
  `parse ${small.length} B`,
  microseconds(() => parser.feed(small)),
)
say(
  `parse ${large.length} B`,
  microseconds(() => parser.feed(large)),
)
read = (head) => head.get('accept-language')!.length
say(
  `parse ${large.length} B and get one field`,
  microseconds(() => parser.feed(large)),
)

const halves = [large.subarray(0, 300), large.subarray(300)] as const
say(
  `parse ${large.length} B in two pieces`,
  microseconds(() => {
    parser.feed(halves[0])
    parser.feed(halves[1])
  }),
)

const fields = ['Content-Type', 'text/plain; charset=UTF-8', 'X-Request-Id', '0123456789']
const connection = connectionLines(true, 1, 4)
say(
  'write an answer head with 5 fields',
  microseconds(() => {
    sum += responseHead(200, '', fields, 12, connection, dateLine(Date.now())).length
  }),
)
if (sum === 0) throw new Error('nothing was read')
