/** Asks an admin listener, from another process. */
import { type IncomingMessage, type RequestOptions, request } from 'node:http'
import { type Clock, systemClock } from '../lifecycle/clock.ts'
import type { EndedConnection } from '../observe/flight-recorder.ts'
import type { ConnectionView, OpenConnection } from '../observe/observer.ts'
import type { Coded } from '../policy/codes.ts'
import type { Place } from './options.ts'
import type { Summary } from './routes.ts'

/** It is not there, is not an admin listener, or does not answer this client. */
class AdminError extends Error implements Coded {
  override readonly name = 'AdminError'
  readonly code = 'ADMIN_UNREACHABLE'
}

interface Answer {
  readonly status: number
  readonly text: string
}

const answerWithinMs = 5_000
/** As many as a listener keeps or lists at most, and their moves, fit. */
const mostBytes = 64 * 2 ** 20
const mostListed = 10_000

export class AdminClient {
  readonly #at: Place
  readonly #token: string | null
  readonly #clock: Clock

  constructor(at: Place, token: string | null, clock: Clock = systemClock) {
    this.#at = at
    this.#token = token
    this.#clock = clock
  }

  /** How a person calls it. */
  get place(): string {
    return 'unix' in this.#at ? `unix:${this.#at.unix}` : `${bracketed(this.#at.host)}:${this.#at.port}`
  }

  summary(): Promise<Summary> {
    return this.#json('/summary')
  }

  connections(limit = mostListed): Promise<ConnectionView[]> {
    return this.#json(`/connections?limit=${limit}`)
  }

  /** Null: it is no longer open. */
  async connection(id: number): Promise<OpenConnection | null> {
    const answer = await this.#ask('GET', `/connections/${id}`)
    return answer.status === 404 ? null : this.#parsed(answer)
  }

  /** The latest first. */
  ends(limit = mostListed): Promise<EndedConnection[]> {
    return this.#json(`/ends?limit=${limit}`)
  }

  /** False: it is no longer open. */
  async close(id: number): Promise<boolean> {
    return (await this.#ask('POST', `/connections/${id}/close`)).status === 204
  }

  async closeIdle(): Promise<number> {
    return this.#parsed<{ closed: number }>(await this.#ask('POST', '/idle/close')).closed
  }

  async drain(): Promise<void> {
    await this.#ask('POST', '/drain')
  }

  async #json<T>(path: string): Promise<T> {
    return this.#parsed(await this.#ask('GET', path))
  }

  #parsed<T>({ status, text }: Answer): T {
    try {
      if (status === 200) return JSON.parse(text)
    } catch {
      // Said below.
    }
    throw new AdminError(`${this.place} is not an admin listener of hangup: it answers ${status}`)
  }

  async #ask(method: string, path: string): Promise<Answer> {
    const answer = await this.#exchange(method, path)
    if (answer.status === 401) {
      const why = this.#token === null ? 'asks for its token' : 'does not take this token'
      throw new AdminError(`${this.place} ${why}: --admin-token-file <file>, or the variable HANGUP_ADMIN_TOKEN`)
    }
    if (answer.status === 403) throw new AdminError(`${this.place}: ${answer.text.trim()}`)
    return answer
  }

  #exchange(method: string, path: string): Promise<Answer> {
    const options: RequestOptions = {
      method,
      path,
      agent: false,
      headers: {
        host: 'unix' in this.#at ? 'localhost' : `${bracketed(this.#at.host)}:${this.#at.port}`,
        'user-agent': 'hangup',
        ...(this.#token !== null && { authorization: `Bearer ${this.#token}` }),
      },
      ...('unix' in this.#at ? { socketPath: this.#at.unix } : { host: this.#at.host, port: this.#at.port }),
    }
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        cancel()
        asking.destroy()
        reject(new AdminError(why))
      }
      const lost = ({ code = '', message }: NodeJS.ErrnoException) =>
        fail(notThere.test(`${code} ${message}`) ? this.#nobody(code) : `${this.place}: ${message || code}`)
      const cancel = this.#clock.after(answerWithinMs, () =>
        fail(`${this.place}: no response within ${answerWithinMs / 1_000} s`),
      )
      const asking = request(options, (response: IncomingMessage) => {
        const parts: Buffer[] = []
        let size = 0
        response.on('error', lost)
        response.on('data', (part: Buffer) => {
          size += part.length
          if (size > mostBytes) fail(`${this.place} is not an admin listener of hangup: its response does not end`)
          else parts.push(part)
        })
        response.on('end', () => {
          cancel()
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') })
        })
      })
      asking.on('error', lost)
      asking.end()
    })
  }

  #nobody(code: string): string {
    const why = /EACCES|EPERM/.test(code) ? 'this user may not connect' : 'nothing listens there'
    return `${this.place}: ${why}. hangup serve --admin and hangup gateway --admin listen; --admin <where> or HANGUP_ADMIN says where`
  }
}

/** Each runtime has its own words. */
const notThere = /ECONNREFUSED|ENOENT|EACCES|EPERM|ConnectionRefused|FailedToOpenSocket|refused|no such file/i

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)
