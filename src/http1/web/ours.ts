/**
 * Requests and responses of our classes, told by who loads none of them: a server on a runtime's own
 * one meets them only where something else in its process makes them.
 */

/** What a class says of itself when it is loaded. Before that there are no objects of it. */
interface Ours<Native> {
  is(value: unknown): boolean
  toNative(ours: Native): Native
}

let requests: Ours<Request> | null = null
let responses: Ours<Response> | null = null

export function requestsAre(ours: Ours<Request>): void {
  requests = ours
}

export function responsesAre(ours: Ours<Response>): void {
  responses = ours
}

export const isOurResponse = (value: unknown): boolean => responses?.is(value) ?? false

/**
 * What only native code takes (`WebAssembly.compileStreaming`, Bun's `HTMLRewriter`), for a request
 * or response of ours; others as they are.
 */
export function toNative<T extends Request | Response>(message: T): T {
  if (requests?.is(message)) return requests.toNative(message as Request) as T
  if (isOurResponse(message)) return responses!.toNative(message as Response) as T
  return message
}
