/** What a main module under `deno serve` exports, and what it may say. */
import type { ReportKind } from '../../src/command/report-kind.ts'
import type { Enforcement } from '../../src/policy/enforcement.ts'
import type { Policy } from '../../src/policy/policy.ts'
import type { Running, ServeOptions } from '../../src/serve/contract.ts'
import type { ServeInfo } from './serve-info.ts'

/** What `deno serve` takes as a default export, and what can be said of it. */
export interface DenoServe {
  fetch(request: Request, info: ServeInfo): Response | Promise<Response>
  /** Called in one thread alone. */
  onListen(address: ListenAddress): void
  readonly policy: Policy
  readonly enforcement: Enforcement
  /**
   * When it listens. Of this thread: each counts its own requests, and the first all connections
   * that no other has noted.
   */
  readonly running: Promise<Running>
}

export interface HangupOptions extends ServeOptions {
  /** What is printed when it listens. Default: HANGUP_REPORT, or text. */
  readonly report?: ReportKind
}

export interface ListenAddress {
  readonly hostname: string
  readonly port: number
}
