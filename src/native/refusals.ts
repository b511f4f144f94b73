/** Answers in the application's place, and what of a request is looked at for them. */
import { type Clock, passed } from '../lifecycle/clock.ts'
import { reasons } from '../lifecycle/reasons.ts'
import { comeAgain, plainResponse } from '../serve/responses.ts'
import type { BodyReason } from './request-body.ts'

/** The end of a connection whose last answer is out has come by then. */
const neverMs = 5_000

export function refusal(reason: BodyReason | 'headTooLarge' | 'headFields'): Response {
  return plainResponse(reasons[reason].status as number, { connection: 'close' })
}

/** To whoever came when all were busy. */
export function busy(): Response {
  return comeAgain({ connection: 'close' })
}

/**
 * The ledger has ended the connection long before: this only lets go of what the runtime holds for
 * the request.
 */
export const never = (clock: Clock): Promise<Response> => passed(clock, neverMs).then(busy)

/** As it came over HTTP/1.1, but for optional white space. */
export function headBytesOf({ method, url, headers }: Request): number {
  let bytes = method.length + url.length - url.indexOf('/', 8) + ' HTTP/1.1\r\n\r\n'.length + 1
  for (const [name, value] of headers) bytes += name.length + value.length + ': \r\n'.length
  return bytes
}

/** Those of one name are one by then. */
export function fieldsIn({ headers }: Request): number {
  let fields = 0
  for (const _ of headers.keys()) fields += 1
  return fields
}

/** HTTP/2 frames its bodies, and need not say how long they are. */
export function announcedIn2(request: Request): number | null {
  const length = request.headers.get('content-length')
  if (length !== null) return Number(length)
  return request.body === null ? 0 : null
}
