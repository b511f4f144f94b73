/**
 * `request`: sends a well-formed HTTP/1.1 request, where its bytes are not the point: `GET /login`.
 */
import * as v from 'valibot'
import { setup } from '../terms.ts'
import { atOnce, word } from '../word.ts'

export default word({
  schema: v.strictObject({
    request: v.pipe(v.string(), v.regex(/^[A-Z]+ \S+$/, 'expected a method and a path or page: "GET /login"')),
    /** Beside Host, and Content-Length where there is a body. */
    fields: v.optional(v.record(v.string(), v.string())),
    body: v.optional(v.string()),
    setup,
  }),
  durationMs: atOnce,
  async run({ request, fields = {}, body }, play) {
    const connection = await play.connection()
    const bytes = body === undefined ? '' : Buffer.from(play.fill(body), 'utf8').toString('latin1')
    const length = body === undefined ? {} : { 'Content-Length': String(bytes.length) }
    const lines = Object.entries({ Host: '{host}', ...length, ...fields }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    const text = play.fill(`${request} HTTP/1.1\r\n${lines.join('')}\r\n`) + bytes
    play.noteHeads(connection, text)
    connection.send(text)
  },
})
