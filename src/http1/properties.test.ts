import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RequestHead, ResponseHead } from './head.ts'
import { ask, bytesOf, limits, type Recording, serve } from './sink.recording.ts'
import { encodeChunk, lastChunk, requestHead, responseHead } from './writer.ts'

const tight = { ...limits, maxHeadBytes: 512, maxTargetBytes: 64, maxFieldBytes: 128, maxFields: 8, maxBodyBytes: 256 }

const from = (chars: string, constraints: fc.StringConstraints) =>
  fc.string({ unit: fc.constantFrom(...chars), ...constraints })

const tchars = "!#$%&'*+-.^_`|~09azAZ"
const token = from(tchars, { minLength: 1, maxLength: 12 })
/** Names that the writer takes from no argument of its own. */
const name = token.map((text) => `x${text}`)
const value = from('\t !"#,:;=\\az09~\x80\xff', { maxLength: 20 }).map((text) => text.replace(/^[\t ]+|[\t ]+$/g, ''))
const fields = fc.array(fc.tuple(name, value), { maxLength: 5 }).map((pairs) => pairs.flat())
const path = from('az09/?&=%|"<>[]{}', { maxLength: 20 }).map((text) => `/${text}`)
const host = fc.constantFrom('a', 'a.example:80', '[::1]', '127.0.0.1:8080', '')
const content = from('\r\n\0:0a\xff ', { maxLength: 40 })
const body = fc.oneof(
  fc.constant(null),
  content.map((text) => ({ length: text.length, text, pieces: [text], trailers: [] as string[] })),
  fc
    .record({
      pieces: fc.array(
        content.filter((text) => text !== ''),
        { maxLength: 4 },
      ),
      trailers: fields,
    })
    .map(({ pieces, trailers }) => ({ length: null, text: pieces.join(''), pieces, trailers })),
)
type Body = typeof body extends fc.Arbitrary<infer T> ? T : never

const framing = (given: Body) => (given === null ? 'none' : (given.length ?? 'chunked'))

function framed(given: Body): string {
  if (given === null) return ''
  if (given.length !== null) return given.text
  const text = (bytes: Uint8Array) => String.fromCharCode(...bytes)
  return given.pieces.map((piece) => text(encodeChunk(bytesOf(piece)))).join('') + lastChunk(given.trailers)
}

const request = fc
  .record({ method: token.filter((method) => method !== 'CONNECT'), path, host, fields, body })
  .map((given) => ({
    ...given,
    text: requestHead(given.method, given.path, given.host, given.fields, framing(given.body), '') + framed(given.body),
  }))

const response = fc
  .record({ status: fc.constantFrom(200, 201, 404, 500), phrase: value, fields, body })
  .map((given) => ({
    ...given,
    text: responseHead(given.status, given.phrase, given.fields, framing(given.body), '', '') + framed(given.body),
  }))

/** All that was told, without what depends on the cut. */
function transcript({ messages, informational, refused }: Recording<RequestHead> | Recording<ResponseHead>): unknown {
  const facts = (head: RequestHead | ResponseHead) => ({ ...head, raw: head.raw })
  return {
    messages: messages.map((message) => ({ ...message, head: facts(message.head) })),
    informational: informational.map(facts),
    refused,
  }
}

function pieces(text: string, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b)
  return [...at, text.length].map((end, i) => bytesOf(text.slice(at[i - 1] ?? 0, end)))
}

const eachByte = (text: string) => Array.from(text, bytesOf)

test('a request is read as it was written', () => {
  fc.assert(
    fc.property(request, ({ method, path, host, fields, body, text }) => {
      const { messages, refused } = serve([bytesOf(text)])
      assert.equal(refused, null)
      assert.equal(messages.length, 1)
      const { head, ...rest } = messages[0]!
      const length = framing(body)
      const framingFields =
        length === 'none'
          ? []
          : length === 'chunked'
            ? ['Transfer-Encoding', 'chunked']
            : ['Content-Length', `${length}`]
      assert.deepEqual([head.method, head.target, head.path, head.host], [method, path, path, host])
      assert.deepEqual(head.raw, ['Host', host, ...fields, ...framingFields])
      assert.deepEqual(rest, { body: body?.text ?? '', trailers: body?.trailers ?? [], whole: true })
    }),
  )
})

test('an answer is read as it was written', () => {
  fc.assert(
    fc.property(response, ({ status, phrase, fields, body, text }) => {
      const { messages, refused } = ask('GET', [bytesOf(text)])
      assert.equal(refused, null)
      assert.equal(messages.length, 1)
      const { head, ...rest } = messages[0]!
      assert.equal(head.status, status)
      if (phrase !== '') assert.equal(head.reason, phrase)
      assert.deepEqual(head.raw.slice(0, fields.length), fields)
      assert.deepEqual(rest, { body: body?.text ?? '', trailers: body?.trailers ?? [], whole: true })
    }),
  )
})

test('requests tell the same, split at every byte, at any two, or not at all', () => {
  const pipelined = fc.array(request, { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(pipelined, fc.array(fc.nat(), { maxLength: 4 }), (requests, cuts) => {
      const text = requests.map((one) => one.text).join('')
      const whole = transcript(serve([bytesOf(text)]))
      assert.deepEqual(transcript(serve(eachByte(text))), whole)
      assert.deepEqual(transcript(serve(pieces(text, cuts))), whole)
    }),
  )
})

test('a request tells the same at each of its two-piece cuts', () => {
  fc.assert(
    fc.property(request, ({ text }) => {
      const whole = transcript(serve([bytesOf(text)]))
      for (let cut = 1; cut < text.length; cut++) assert.deepEqual(transcript(serve(pieces(text, [cut]))), whole)
    }),
    { numRuns: 20 },
  )
})

test('answers tell the same, split at every byte, at any two, or not at all', () => {
  fc.assert(
    fc.property(response, fc.array(fc.nat(), { maxLength: 4 }), ({ text }, cuts) => {
      const interim = `HTTP/1.1 100 Continue\r\n\r\n${text}`
      const whole = transcript(ask('GET', [bytesOf(interim)]))
      assert.deepEqual(transcript(ask('GET', eachByte(interim))), whole)
      assert.deepEqual(transcript(ask('GET', pieces(interim, cuts))), whole)
    }),
  )
})

/** A valid message with some bytes replaced, taken out or put in. */
const mutant = (message: fc.Arbitrary<{ text: string }>) =>
  fc
    .tuple(
      message,
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1), from('\r\n\0 \t:;,0aG#%\x7f\xff', { maxLength: 2 }))),
    )
    .map(([{ text }, edits]) =>
      edits.reduce((edited, [where, removed, inserted]) => {
        const at = where % (edited.length + 1)
        return edited.slice(0, at) + inserted + edited.slice(at + removed)
      }, text),
    )

const noise = fc.oneof(from('GET /HTP1.\r\n:a \0\xff', { maxLength: 80 }), fc.string({ unit: 'binary' }).map(latin1Of))

function latin1Of(text: string): string {
  return Array.from(text, (char) => String.fromCharCode(char.charCodeAt(0) & 0xff)).join('')
}

for (const [what, text] of [
  ['damaged requests', mutant(request)],
  ['damaged answers', mutant(response)],
  ['noise', noise],
] as const) {
  test(`${what} never throw, and tell the same however they are cut`, () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 4 }), (bytes, cuts) => {
        for (const within of [limits, tight]) {
          for (const read of [
            (given: Uint8Array[]) => serve(given, true, within),
            (given: Uint8Array[]) => ask('GET', given, true, within),
          ]) {
            const whole = transcript(read([bytesOf(bytes)]))
            assert.deepEqual(transcript(read(eachByte(bytes))), whole)
            assert.deepEqual(transcript(read(pieces(bytes, cuts))), whole)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
}
