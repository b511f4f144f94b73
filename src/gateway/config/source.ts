/**
 * Where a configuration comes from: the names of its parts in messages, the files that it names,
 * and its problems.
 */
import type { CertificatePem } from '../../net/transport.ts'
import { type Problem, problem } from '../../policy/problems.ts'
import { pathText } from './schema.ts'

/** Where a value stands in the file: `['routes', 1, 'to']`. */
export type Keys = readonly (string | number)[]

export interface Files {
  read(path: string): Promise<string>
  /** Warnings about certificates that are served together. Throws if one can't be served. */
  certificates(pems: readonly CertificatePem[]): readonly string[]
  /** Why no file can be made in a folder (null: the system's for temporary files), or null. */
  folder(path: string | null): Promise<string | null>
}

export interface Origin {
  /** Of the file, absolute; null without one. */
  readonly path: string | null
  /**
   * The absolute path; `inFile`: of what the file names, which is relative to it, else to the
   * working directory.
   */
  locate(path: string, inFile: boolean): string
  readonly files: Files
}

export class Source {
  readonly problems: Problem[] = []
  /** What is not a mistake and still worth a line. */
  readonly notes: string[] = []
  /** Every file that was read, absolute. */
  readonly read: string[] = []
  readonly #origin: Origin
  readonly #flags: ReadonlyMap<string, string>

  /** `flags`: how what stands in these places was written, where it did not come from the file. */
  constructor(origin: Origin, flags: ReadonlyMap<string, string>) {
    this.#origin = origin
    this.#flags = flags
  }

  get files(): Files {
    return this.#origin.files
  }

  refuse(keys: Keys, given: unknown, why: string, accepted = ''): void {
    const name = this.#flagFor(keys) ?? pathText(keys)
    this.problems.push(problem(name, given ?? name, why, accepted))
  }

  locate(keys: Keys, path: string): string {
    return this.#origin.locate(path, this.#flagFor(keys) === null)
  }

  /** Reports a problem and returns '' if the file can't be read. */
  async text(keys: Keys, path: string): Promise<string> {
    const file = this.locate(keys, path)
    if (!this.read.includes(file)) this.read.push(file)
    try {
      return await this.files.read(file)
    } catch (error) {
      this.refuse(keys, path, `it cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`)
      return ''
    }
  }

  /** PEM text (RFC 7468) with a part of this kind; else reports a problem and returns ''. */
  async pem(keys: Keys, path: string, kind: 'certificate' | 'private key'): Promise<string> {
    const text = await this.text(keys, path)
    const label =
      kind === 'certificate' ? /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/ : /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/
    if (text !== '' && !label.test(text)) this.refuse(keys, path, `it does not hold a ${kind}`, 'a PEM file')
    return label.test(text) ? text : ''
  }

  #flagFor(keys: Keys): string | null {
    for (let length = keys.length; length > 0; length--) {
      const name = this.#flags.get(pathText(keys.slice(0, length)))
      if (name !== undefined) return name
    }
    return null
  }
}
