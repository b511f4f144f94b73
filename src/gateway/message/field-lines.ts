/**
 * The fields of a message as lines, where nothing has to change and some lines are only left out:
 * nearly always, and at a third of the cost of `fields.ts`.
 */
import { HTAB, SP } from '../../http1/bytes.ts'
import type { GatewayConfig, Route } from '../config/config.ts'
import { clientLines } from './client-fields.ts'
import {
  isXForwarded,
  kindOf,
  requestTable,
  responseLineTable,
  responseLineTableWithHsts,
  type Table,
} from './field-kinds.ts'
import { type Asked, nominatedBy } from './fields.ts'

/** The lines of a request that go on, and ours behind them; null: take `requestFields`. */
export function requestLines(
  text: string,
  asked: Asked,
  route: Route,
  config: GatewayConfig,
  trusted: boolean,
): string | null {
  const { set, remove } = route.request
  if (trusted || set.length > 0 || remove.length > 0) return null
  const kept = keptLines(text, requestTable, !route.underscores)
  return kept === null ? null : kept + clientLines(asked, config.pseudonym)
}

/**
 * The lines of a response that go on, without its length, as `responseHead` takes them; null: take
 * `responseFields`.
 */
export function responseLines(
  text: string,
  asked: Pick<Asked, 'secure'>,
  route: Route,
  config: GatewayConfig,
  minor: 0 | 1,
): string | null {
  const { set, remove } = route.response
  if (set.length > 0 || remove.length > 0) return null
  const hsts = asked.secure ? config.hsts : null
  const kept = keptLines(text, hsts === null ? responseLineTable : responseLineTableWithHsts, false)
  if (kept === null) return null
  const via = `Via: 1.${minor} ${config.pseudonym}\r\n`
  return kept + (hsts === null ? via : `${via}Strict-Transport-Security: ${hsts}\r\n`)
}

/** Lines that go on as they came are copied in runs. Those of a response have a `Date`. */
function keptLines(text: string, table: Table, dropUnderscores: boolean): string | null {
  const isRequest = table === requestTable
  let dated = isRequest
  let cookie = false
  let underscore = dropUnderscores ? text.indexOf('_') : -1
  let out = ''
  let from = 0
  for (let at = 0; at < text.length; ) {
    const colon = text.indexOf(':', at)
    const end = text.indexOf('\n', colon) + 1
    if (underscore >= 0 && underscore < at) underscore = text.indexOf('_', at)
    let drop = underscore >= 0 && underscore < colon
    if (!drop) {
      switch (kindOf(table, text, at, colon)) {
        case null:
          drop = isRequest && isXForwarded(text, at, colon)
          break
        case 'drop':
        case 'chain':
        case 'forwarding':
          drop = true
          break
        case 'connection':
          if (nominatedBy(text.slice(colon + 1, end).trim(), null) !== null) return null
          drop = true
          break
        case 'date':
          dated = true
          break
        case 'cookie':
          if (cookie) return null
          cookie = true
          break
        default:
          return null
      }
    }
    if (drop) {
      if (from < at) out += text.slice(from, at)
      from = end
    } else if (!isPlainlySpaced(text, colon, end)) return null
    at = end
  }
  if (!dated) return null
  return from === 0 ? text : out + text.slice(from)
}

/** `Name: value`: one space before the value and none behind it. */
function isPlainlySpaced(text: string, colon: number, end: number): boolean {
  if (text.charCodeAt(colon + 1) !== SP) return false
  // Of an empty value the one space is all there is.
  return end - colon === 4 || (!isBlank(text.charCodeAt(colon + 2)) && !isBlank(text.charCodeAt(end - 3)))
}

const isBlank = (code: number): boolean => code === SP || code === HTAB
