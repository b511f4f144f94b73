/** What each key does to the view. Pure. */
import { states } from '../lifecycle/states.ts'
import type { Look } from './look.ts'
import { orderNames, rowsOf, type View } from './view.ts'

export type Ask = 'close idle' | 'drain'

export type Act =
  | { readonly kind: 'quit' | 'pause' | 'back' }
  | { readonly kind: 'view'; readonly view: View }
  | { readonly kind: 'close' | 'moves'; readonly id: number }
  | { readonly kind: 'ask'; readonly what: Ask }

/** Keys out of what a terminal sends at once: a paste, or held arrows, is several. */
export const keysIn = (text: string): readonly string[] => text.match(/\x1b[[O][A-D]|\x1b?[^\x1b]|\x1b/gu) ?? []

const next = <T>(list: readonly T[], now: T): T => list[(list.indexOf(now) + 1) % list.length]!

/** Null: the key means nothing. */
export function actOf(key: string, view: View, look: Look): Act | null {
  switch (key) {
    case 'q':
    case '\x03':
      return { kind: 'quit' }
    case ' ':
      return { kind: 'pause' }
    case '\x1b':
      return { kind: 'back' }
    case 's':
      return { kind: 'view', view: { ...view, order: next(orderNames, view.order) } }
    case 'f':
      return { kind: 'view', view: { ...view, state: next([null, ...states], view.state) } }
    case 'k':
    case '\x1b[A':
    case '\x1bOA':
      return { kind: 'view', view: selected(view, look, -1) }
    case 'j':
    case '\x1b[B':
    case '\x1bOB':
      return { kind: 'view', view: selected(view, look, 1) }
    case 'c':
      return view.selected === null ? null : { kind: 'close', id: view.selected }
    case 'w':
    case '\r':
      return view.selected === null ? null : { kind: 'moves', id: view.selected }
    case 'i':
      return { kind: 'ask', what: 'close idle' }
    case 'd':
      return { kind: 'ask', what: 'drain' }
    default:
      return null
  }
}

function selected(view: View, look: Look, by: number): View {
  const rows = rowsOf(look, view)
  const at = rows.findIndex(({ id }) => id === view.selected)
  const to = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)
  return { ...view, selected: rows[to]?.id ?? null }
}
