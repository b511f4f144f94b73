/**
 * The shape of a runtime: what `runtimes/<name>/runtime.ts` gives to `serve()` and to the gateway.
 */
import type { GatewaySide } from './gateway/downstream/serve.ts'
import type { ServeRuntime } from './serve/runtime.ts'

export interface Runtime extends ServeRuntime, GatewaySide {}
