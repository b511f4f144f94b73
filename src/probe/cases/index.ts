/** Every case, checked. A new theme is one more line here; a new case edits its theme's file alone. */
import { type Case, checkCases } from '../case.ts'
import body from './body.ts'
import drain from './drain.ts'
import framing from './framing.ts'
import handler from './handler.ts'
import head from './head.ts'
import http from './http.ts'
import idle from './idle.ts'
import limits from './limits.ts'
import malformed from './malformed.ts'
import strict from './strict.ts'
import write from './write.ts'

export const cases: readonly Case[] = checkCases([
  ...http,
  ...framing,
  ...malformed,
  ...strict,
  ...idle,
  ...head,
  ...body,
  ...write,
  ...handler,
  ...limits,
  ...drain,
])
