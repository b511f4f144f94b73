/**
 * `Headers` over a flat list of fields as the parser gives it: looked up in place, copied at the
 * first change, sorted only for who iterates.
 */
import { lowerCase } from '../bytes.ts'
import { borrow, NativeHeaders, replaceable } from './native.ts'

/** name, value, name, value, …: order, case and repetition kept. */
export type Fields = readonly string[]

type Pair = [name: string, value: string]

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** The usual value: ASCII without control bytes, nothing to trim. */
const plainValue = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/
const forbiddenInValue = /[\0\r\n]|[^\0-\xff]/

/**
 * Names in lower case by the way they are written in the program. Bounded: a proxy copies names
 * that clients invent.
 */
const keptNames = 512
const longestKeptName = 40
const lowered = new Map<string, string>()

function lowerName(name: string): string {
  const known = lowered.get(name)
  if (known !== undefined) return known
  const text = `${name}`
  if (!token.test(text)) throw new TypeError(`Invalid header name: ${JSON.stringify(text)}`)
  const lower = text.toLowerCase()
  if (lowered.size < keptNames && text.length <= longestKeptName) lowered.set(text, lower)
  return lower
}

/**
 * Normalized and checked as Fetch 2.2.2 says; which control bytes may go on the wire is the
 * writer's business.
 */
function checkedValue(value: unknown): string {
  const text = `${value}`
  if (plainValue.test(text)) return text
  const trimmed = trim(text)
  if (forbiddenInValue.test(trimmed)) throw new TypeError(`Invalid header value: ${JSON.stringify(trimmed)}`)
  return trimmed
}

/**
 * Of HTTP white space. In a loop: a regular expression looks at each run of blanks in the middle
 * once for every blank in it.
 */
function trim(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isWhiteSpace(text.charCodeAt(from))) from++
  while (to > from && isWhiteSpace(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

const isWhiteSpace = (code: number): boolean => code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d

/** Most names of one length differ in their first letter, which costs less to look at. */
function isNamed(name: string, lower: string): boolean {
  if (name.length !== lower.length) return false
  if (name === lower) return true
  return lowerCase(name.charCodeAt(0)) === lower.charCodeAt(0) && name.toLowerCase() === lower
}

export function hasField(fields: Fields, lower: string): boolean {
  for (let i = 0; i < fields.length; i += 2) if (isNamed(fields[i]!, lower)) return true
  return false
}

/** A list of our own from anything that `new Headers()` takes, checked. */
export function fieldsFrom(init: HeadersInit | WebHeaders): string[] {
  if (isOurs(init)) return fieldsOf(init).slice()
  if (typeof init !== 'object') throw new TypeError('headers must be an object, a sequence of pairs or Headers')
  const fields: string[] = []
  if (Symbol.iterator in init) {
    for (const pair of init as Iterable<Iterable<string>>) {
      const [name, value, ...rest] = typeof pair === 'object' ? pair : []
      if (name === undefined || value === undefined || rest.length > 0) throw new TypeError('a header must be a pair')
      lowerName(name)
      fields.push(`${name}`, checkedValue(value))
    }
    return fields
  }
  for (const name of Object.keys(init)) {
    lowerName(name)
    fields.push(name, checkedValue((init as Record<string, string>)[name]))
  }
  return fields
}

/** Where a view's fields come from: a parsed head also looks one up without splitting them all. */
interface Source {
  readonly raw: Fields
  get?(lower: string): string | null
}

/** More than so many are dearer to look up one by one. */
const fewLookups = 4

let over: (source: Source) => WebHeaders
let isOurs: (value: unknown) => value is WebHeaders
let fieldsOf: (headers: WebHeaders) => Fields
let changesOf: (headers: WebHeaders) => number

export class WebHeaders {
  #fields: Fields | null
  #source: Source | null = null
  #lookups = 0
  /** The list belongs to somebody else. */
  #shared = false
  #sorted: readonly Pair[] | null = null
  #changes = 0

  constructor(init?: HeadersInit | WebHeaders | null) {
    this.#fields = init === undefined || init === null ? [] : fieldsFrom(init)
  }

  // For our own modules only: the class is the application's global.
  static {
    over = (source) => {
      const headers = new WebHeaders()
      headers.#fields = null
      headers.#source = source
      headers.#shared = true
      return headers
    }

    isOurs = (value) => typeof value === 'object' && value !== null && #shared in value

    fieldsOf = (headers) => headers.#read()

    changesOf = (headers) => headers.#changes
  }

  #read(): Fields {
    this.#fields ??= this.#source!.raw
    return this.#fields
  }

  /** The list, to be changed. */
  #own(): string[] {
    const fields = this.#read()
    this.#sorted = null
    this.#changes++
    if (!this.#shared) return fields as string[]
    this.#shared = false
    const own = fields.slice()
    this.#fields = own
    return own
  }

  #pairs(): readonly Pair[] {
    if (this.#sorted !== null) return this.#sorted
    const pairs = sortedPairs(this.#read())
    this.#sorted = pairs
    return pairs
  }

  get(name: string): string | null {
    const lower = lowerName(name)
    if (this.#fields === null && this.#source!.get !== undefined && this.#lookups++ < fewLookups) {
      return this.#source!.get(lower)
    }
    const fields = this.#read()
    let value: string | null = null
    for (let i = 0; i < fields.length; i += 2) {
      if (isNamed(fields[i]!, lower)) value = value === null ? fields[i + 1]! : join(lower, value, fields[i + 1]!)
    }
    return value
  }

  has(name: string): boolean {
    return hasField(this.#read(), lowerName(name))
  }

  getSetCookie(): string[] {
    const fields = this.#read()
    const cookies: string[] = []
    for (let i = 0; i < fields.length; i += 2) if (isNamed(fields[i]!, 'set-cookie')) cookies.push(fields[i + 1]!)
    return cookies
  }

  append(name: string, value: string): void {
    lowerName(name)
    const checked = checkedValue(value)
    this.#own().push(`${name}`, checked)
  }

  set(name: string, value: string): void {
    const lower = lowerName(name)
    const checked = checkedValue(value)
    const fields = this.#own()
    for (let i = 0; i < fields.length; i += 2) {
      if (!isNamed(fields[i]!, lower)) continue
      fields[i + 1] = checked
      remove(fields, lower, i + 2)
      return
    }
    fields.push(`${name}`, checked)
  }

  delete(name: string): void {
    const lower = lowerName(name)
    remove(this.#own(), lower, 0)
  }

  // Iterators see changes that are made meanwhile (Web IDL, "value pairs to iterate over").

  *entries(): Generator<Pair, undefined> {
    for (let i = 0; i < this.#pairs().length; i++) {
      const [name, value] = this.#pairs()[i]!
      yield [name, value]
    }
  }

  *keys(): Generator<string, undefined> {
    for (let i = 0; i < this.#pairs().length; i++) yield this.#pairs()[i]![0]
  }

  *values(): Generator<string, undefined> {
    for (let i = 0; i < this.#pairs().length; i++) yield this.#pairs()[i]![1]
  }

  [Symbol.iterator](): Generator<Pair, undefined> {
    return this.entries()
  }

  forEach(visit: (value: string, name: string, headers: Headers) => void, thisArg?: unknown): void {
    for (let i = 0; i < this.#pairs().length; i++) {
      const [name, value] = this.#pairs()[i]!
      visit.call(thisArg, value, name, this as unknown as Headers)
    }
  }

  [Symbol.for('nodejs.util.inspect.custom')](
    _depth: number,
    options: object,
    inspect: (shown: object, options: object) => string,
  ) {
    return `Headers ${inspect(inspected(this), options)}`
  }

  [Symbol.for('Deno.privateCustomInspect')](inspect: (shown: object, options: object) => string, options: object) {
    return `Headers ${inspect(inspected(this), options)}`
  }
}

/** Put in their places one by one: there are few, and to sort them afterwards costs twice as much. */
function sortedPairs(fields: Fields): Pair[] {
  const pairs: Pair[] = []
  for (let i = 0; i < fields.length; i += 2) {
    const lower = lowerName(fields[i]!)
    const value = fields[i + 1]!
    const at = behind(pairs, lower)
    const before = at > 0 ? pairs[at - 1]! : null
    if (before !== null && before[0] === lower && lower !== 'set-cookie') before[1] = join(lower, before[1], value)
    else if (at === pairs.length) pairs.push([lower, value])
    else pairs.splice(at, 0, [lower, value])
  }
  return pairs
}

/** The place behind all names up to this one. */
function behind(pairs: readonly Pair[], lower: string): number {
  let from = 0
  let to = pairs.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (lower < pairs[middle]![0]) to = middle
    else from = middle + 1
  }
  return from
}

/** RFC 9110 5.3, and RFC 9113 8.2.3 for cookies. */
function join(lower: string, first: string, second: string): string {
  return `${first}${lower === 'cookie' ? '; ' : ', '}${second}`
}

function remove(fields: string[], lower: string, from: number): void {
  let to = from
  for (let i = from; i < fields.length; i += 2) {
    if (isNamed(fields[i]!, lower)) continue
    fields[to++] = fields[i]!
    fields[to++] = fields[i + 1]!
  }
  fields.length = to
}

function inspected(headers: WebHeaders): object {
  const shown: Record<string, string | string[]> = Object.create(null)
  for (const [name, value] of headers) if (name !== 'set-cookie') shown[name] = value
  const cookies = headers.getSetCookie()
  if (cookies.length > 0) shown['set-cookie'] = cookies
  return shown
}

borrow(WebHeaders, new NativeHeaders(), (ours) => new NativeHeaders([...ours]))
replaceable(WebHeaders, NativeHeaders)

export {
  /** How often they have been changed. */
  changesOf,
  /** A list as it is, without a copy. */
  fieldsOf,
  /**
   * A view of fields that are right already; they are read when they are first needed and never
   * changed.
   */
  over as headersOver,
}
