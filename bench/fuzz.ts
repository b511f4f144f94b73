/**
 * Damages the corpus and feeds it to both parsers in random pieces: `node bench/fuzz.ts [seconds]
 * [seed]`. Whatever the bytes, a parser must not throw, must tell the same however they were cut,
 * and must never tell a head that another reader could take for something else. Prints the input
 * and the seed of the first violation and exits 1.
 */
import { isDeepStrictEqual } from 'node:util'
import { limitsOf } from '../src/http1/events.ts'
import { type RequestHead, ResponseHead } from '../src/http1/head.ts'
import { ask, bytesOf, limits, type Recording, serve } from '../src/http1/sink.recording.ts'
import { corpus } from '../test/http1/corpus.ts'

const seconds = Number(process.argv[2] ?? 10)
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31)

/** mulberry32: a run can be repeated from its seed. */
let state = seed
function random(below: number): number {
  state = (state + 0x6d2b79f5) | 0
  let bits = Math.imul(state ^ (state >>> 15), 1 | state)
  bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
  return ((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * below) | 0
}

const pick = <T>(from: readonly T[]): T => from[random(from.length)]!

const requests = Object.values(corpus).filter((text) => text.length < 4096)
/** The same damage under a status line. */
const answers = requests.map((text) => text.replace(/^[^\r\n]*/, () => 'HTTP/1.1 200 OK').replace('Host: a', 'X: a'))
const tokens = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\0',
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '=',
    '"',
    '\\',
    '0',
    '1',
    'a',
    'F',
    '#',
    '%',
    '\x7f',
    '\x80',
    '\xff',
  ],
  ...[
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Connection: close\r\n',
    'Host: a\r\n',
    'HTTP/1.1',
    'http://a',
    '0\r\n\r\n',
  ],
]
const tight = {
  ...limitsOf({ maxHeadBytes: 200, maxHeadFields: 100, maxBodyBytes: 20 }),
  maxFieldBytes: 60,
  maxFields: 8,
}

function damage(text: string): string {
  let damaged = text
  for (let edits = random(4); edits >= 0; edits--) {
    const at = random(damaged.length + 1)
    switch (random(6)) {
      case 0:
        damaged = damaged.slice(0, at) + pick(tokens) + damaged.slice(at)
        break
      case 1:
        damaged = damaged.slice(0, at) + damaged.slice(at + 1 + random(4))
        break
      case 2:
        damaged = damaged.slice(0, at) + String.fromCharCode(random(256)) + damaged.slice(at + 1)
        break
      case 3: {
        const other = pick(requests)
        damaged = damaged.slice(0, at) + other.slice(random(other.length + 1))
        break
      }
      case 4:
        damaged += pick(requests)
        break
      case 5: {
        const to = at + random(20)
        damaged = damaged.slice(0, to) + damaged.slice(at)
        break
      }
    }
  }
  return damaged.slice(0, 8192)
}

function cut(text: string): Uint8Array[] {
  const bytes = bytesOf(text)
  const pieces: Uint8Array[] = []
  const most = pick([1, 3, 20, 500])
  for (let at = 0; at < bytes.length; ) {
    const to = at + 1 + random(most)
    // As from a transport whose buffer is used again: nobody may hold on to it.
    pieces.push(bytes.slice(at, to))
    at = to
  }
  return pieces
}

type Told = Recording<RequestHead> | Recording<ResponseHead>

function transcript({ messages, informational, refused }: Told): unknown {
  const facts = (head: RequestHead | ResponseHead) => ({ ...head, raw: head.raw })
  return {
    messages: messages.map((message) => ({ ...message, head: facts(message.head) })),
    informational: informational.map(facts),
    refused,
  }
}

/** What is wrong with what was told, or null. */
function violation(told: Told, input: string): string | null {
  let size = 0
  for (const { head, body, whole } of told.messages) {
    size += head.size + body.length
    if (/[^\t\r\n\x20-\x7e\x80-\xff]/.test(head.text)) return 'a control byte in a head'
    if (head.text.replaceAll('\r\n', '').match(/[\r\n]/)) return 'a bare CR or LF in a head'
    const fields = head.raw.length / 2
    if (head.text.split('\r\n').length - 1 !== fields) return 'a line that is no field'
    const names = head.raw.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
    if (!names.every((name) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name))) return 'a name that is no token'
    const codings = names.filter((name) => name === 'transfer-encoding').length
    const lengths = names.filter((name) => name === 'content-length').length
    const framed = head.framing === 'chunked' || head.framing === 'length' || !(head instanceof ResponseHead)
    if (framed && lengths + codings > 1) return 'two framings'
    if (head.framing === 'length' && whole && body.length !== head.bodyLength) return 'a body of another length'
    if (head instanceof ResponseHead) continue
    if (names.filter((name) => name === 'host').length > 1) return 'two hosts'
    if (head.host !== '' && !URL.canParse(`http://${head.host}${head.path === '*' ? '/' : head.path}`)) return 'no URL'
    if (!/^[\x21\x22\x24-\x7e]+$/.test(head.target) || !/^(\/|\*$)/.test(head.path)) return 'a bad target'
    if ((head.framing === 'none') !== (lengths + codings === 0)) return 'a framing that no field gives'
  }
  return size > input.length ? 'more was told than came' : null
}

const until = performance.now() + seconds * 1000
let runs = 0
const refusals = new Map<string, number>()
while (performance.now() < until) {
  const asServer = random(2) === 0
  const input = damage(pick(asServer ? requests : answers))
  const method = pick(['GET', 'HEAD', 'CONNECT'])
  const within = pick([limits, tight])
  const read = (pieces: Uint8Array[]): Told =>
    asServer ? serve(pieces, true, within) : ask(method, pieces, true, within)
  let problem: string | null
  try {
    const whole = read([bytesOf(input)])
    problem = violation(whole, input)
    if (!isDeepStrictEqual(transcript(whole), transcript(read(cut(input))))) problem ??= 'the cut changed what was told'
    const outcome = whole.refused ?? 'none'
    refusals.set(outcome, (refusals.get(outcome) ?? 0) + 1)
  } catch (error) {
    problem = String(error)
  }
  if (problem !== null) {
    console.log(
      `${problem}: ${JSON.stringify({ input, asServer, method, tight: within === tight })} (seed ${seed}, run ${runs})`,
    )
    process.exit(1)
  }
  runs++
}
console.log(`${runs} inputs in ${seconds} s, no violation (seed ${seed}); refused for:`)
for (const [reason, count] of [...refusals].sort((a, b) => b[1] - a[1]))
  console.log(`${String(count).padStart(9)}  ${reason}`)
