/**
 * A server of somebody else's, as data: where it is from, how it is started, what its own
 * documentation says of its limits.
 */

export interface Peer {
  /** What it is called in reports, in files and by `--only`. */
  readonly name: string
  readonly title: string
  readonly language: string
  /** Debian packages that carry it and what its pages need; none: `npm ci` has brought it. */
  readonly debian: readonly string[]
  /** Prints its version, and fails where it is not installed. */
  readonly version: readonly string[]
  /** Once, before any of its variants. */
  readonly build?: readonly string[]
  /** It is a proxy: the pages are behind it, on `apps/node.ts` at `{origin}`. */
  readonly proxy?: true
  /** Its descriptors are not those of the process that is started. */
  readonly workers?: true
  /** How it is told to drain, if SIGTERM is not how. */
  readonly drains?: string
  /** Where its pages are, if they are not those of `apps`. */
  readonly pages?: typeof pages
  /**
   * Cases that it does not survive, and what becomes of it: it is not asked, or nothing else could
   * be.
   */
  readonly kills?: Readonly<Record<string, string>>
  readonly variants: readonly Variant[]
}

/**
 * In `argv` and `files`: `{port}`, `{origin}`, `{tmp}` (a directory of its own), `{apps}`, `{bin}`,
 * `{tools}`.
 */
export interface Variant {
  /** `stock`, or what was set. */
  readonly name: string
  /** What was set, and what for, as the reader of the matrix should know it. */
  readonly what: string
  /** Who recommends it. */
  readonly source?: string
  readonly argv: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Written to `{tmp}` before. */
  readonly files?: Readonly<Record<string, string>>
  /** It has limits that end later than those of most: how long it is watched. */
  readonly limitMs?: number
  /** By the case that asks: the limit that it has and that the probe is too short to see. */
  readonly later?: Readonly<Record<string, string>>
}

export const pages: Readonly<Record<'hello' | 'slow' | 'stream' | 'upload' | 'large', string>> = {
  hello: '/',
  slow: '/slow?ms={ms}',
  stream: '/stream?ms={ms}',
  upload: '/upload?ms={ms}',
  large: '/large?bytes={bytes}',
}

export const python = '/usr/bin/python3'
