/** HTML and XML in which nothing is markup but what the program wrote. */
import { escaped } from './printable.ts'

export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Value = string | number | null | false | undefined | Markup | readonly Value[]

/** What is put in is escaped, unless it is markup itself; null, false and undefined are nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(strings.reduce((text, string, at) => text + rendered(values[at - 1]) + string))
}

function rendered(value: Value): string {
  if (value === null || value === undefined || value === false) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'object') return value.map(rendered).join('')
  return escaped(String(value))
}
