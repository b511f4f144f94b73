/**
 * Every case, checked. A new theme is one more chapter here; a new case edits its theme's file
 * alone.
 */
import { type Case, checkCases } from '../case.ts'
import body from './body.ts'
import drain from './drain.ts'
import framing from './framing.ts'
import h2 from './h2.ts'
import h2Compression from './h2-compression.ts'
import h2Frames from './h2-frames.ts'
import h2Limits from './h2-limits.ts'
import h2Requests from './h2-requests.ts'
import h2Streams from './h2-streams.ts'
import handler from './handler.ts'
import head from './head.ts'
import http from './http.ts'
import idle from './idle.ts'
import limits from './limits.ts'
import malformed from './malformed.ts'
import routes from './routes.ts'
import strict from './strict.ts'
import write from './write.ts'

/** The rules of RFC 9113 and RFC 7541, one wrong or unusual frame each. */
export const h2Rules: readonly Case[] = [...h2Frames, ...h2Streams, ...h2Requests, ...h2Compression]

interface Chapter {
  readonly name: string
  /** Its heading in a report. */
  readonly title: string
  readonly cases: readonly { readonly id: string }[]
}

/** In the order of a report. */
export const chapters: readonly Chapter[] = [
  { name: 'http', title: 'Persistent connections', cases: http },
  { name: 'framing', title: 'Framing', cases: framing },
  { name: 'malformed', title: 'Malformed requests', cases: malformed },
  { name: 'strict', title: 'Strictness', cases: strict },
  { name: 'idle', title: 'Idle connections', cases: idle },
  { name: 'head', title: 'Request heads', cases: head },
  { name: 'body', title: 'Request bodies', cases: body },
  { name: 'write', title: 'Readers that stall', cases: write },
  { name: 'h2', title: 'HTTP/2', cases: h2 },
  { name: 'h2-limits', title: 'HTTP/2 limits', cases: h2Limits },
  { name: 'h2-frames', title: 'HTTP/2 frames', cases: h2Frames },
  { name: 'h2-streams', title: 'HTTP/2 streams', cases: h2Streams },
  { name: 'h2-requests', title: 'HTTP/2 requests', cases: h2Requests },
  { name: 'h2-compression', title: 'HTTP/2 header compression', cases: h2Compression },
  { name: 'handler', title: 'Handlers', cases: handler },
  { name: 'routes', title: 'Limits of one route', cases: routes },
  { name: 'limits', title: 'Counts, ages, crowds', cases: limits },
  { name: 'drain', title: 'Shutting down', cases: drain },
]

export const cases: readonly Case[] = checkCases(chapters.flatMap((chapter) => [...chapter.cases]))

const titles = new Map<string, string>(chapters.flatMap(({ title, cases: own }) => own.map(({ id }) => [id, title])))

/** The heading that a case belongs under. */
export const chapterOf = (id: string): string => titles.get(id) ?? 'Others'
