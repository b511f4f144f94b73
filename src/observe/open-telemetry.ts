/**
 * OpenTelemetry's API, where the program has registered an SDK with it (`--import ./telemetry.js`,
 * `OTEL_DENO=true`). Without one nothing of it is loaded.
 */
import { type Log, stderrLog } from '../serve/log.ts'

export type OpenTelemetry = typeof import('@opentelemetry/api')

/** Where every copy of version 1 of the API finds the SDK. */
const registered = Symbol.for('opentelemetry.js.api.1')

/** Not a literal, so that no bundler asks for a package that is optional. */
const api: string = '@opentelemetry/api'

export async function openTelemetry(log: Log = stderrLog): Promise<OpenTelemetry | null> {
  if (!(registered in globalThis)) return null
  try {
    return (await import(api)) as OpenTelemetry
  } catch (error) {
    const message = `OpenTelemetry is not used: ${api} can’t be loaded (${(error as Error).message})`
    log({ level: 'warn', code: 'OPENTELEMETRY_UNUSED', message, count: 1 })
    return null
  }
}

/** Calls the SDK; null: it threw. */
export type Shelter = <Result>(call: () => Result) => Result | null

/** What an SDK throws is said once, and never reaches a request. */
export function shelter(log: Log = stderrLog): Shelter {
  let said = false
  return (call) => {
    try {
      return call()
    } catch (error) {
      const message = `the OpenTelemetry SDK failed: ${error instanceof Error ? error.message : String(error)}`
      if (!said) log({ level: 'error', code: 'OPENTELEMETRY_FAILED', message, count: 1 })
      said = true
      return null
    }
  }
}
