import type { ResponseHead } from '../../http1/head.ts'
import type { Slab } from '../../http1/slabs.ts'
import type { OutgoingResponse } from '../../http1/web/response.ts'
import type { GatewayConfig, Route } from '../config/config.ts'
import type { Downstream } from '../downstream/downstream.ts'
import { responseFields } from './fields.ts'

/**
 * A response that is here whole and passes on with some lines left out: its text and its bytes are
 * ready to be written.
 */
export class PassedOn implements OutgoingResponse {
  readonly status: number
  readonly statusText: string
  readonly lines: string
  readonly body: Uint8Array
  readonly left = null
  readonly room: number
  readonly sent: () => void
  readonly #head: ResponseHead
  readonly #downstream: Pick<Downstream, 'secure'>
  readonly #route: Route
  readonly #config: GatewayConfig

  constructor(
    head: ResponseHead,
    lines: string,
    slab: Slab,
    downstream: Pick<Downstream, 'secure'>,
    route: Route,
    config: GatewayConfig,
  ) {
    this.status = head.status
    this.statusText = head.reason
    this.lines = lines
    this.body = slab.bytes
    this.room = slab.room
    this.sent = slab.release ?? nothingToRelease
    this.#head = head
    this.#downstream = downstream
    this.#route = route
    this.#config = config
  }

  /** For a middleware that looks at them. */
  get fields(): string[] {
    return responseFields(this.#head.raw, this.#downstream, this.#route, this.#config, this.#head.minor)
  }
}

const nothingToRelease = () => {}
