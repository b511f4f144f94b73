/**
 * What a misbehaving server does, as data: the words that `sinners.ts` uses and `middleman.ts` and
 * `shim.ts` carry out.
 */
import type { FrameType } from '../../src/probe/client/h2-frame.ts'

/** Pattern and replacement, as `String.replace` takes them. */
export type Rewriting = readonly [pattern: string, replacement: string]

export interface WireSin {
  /** Only on connections on which this has been heard so far. */
  readonly when?: string
  /** It takes a request for another one. */
  readonly hears?: Rewriting
  /** It says something else. */
  readonly says?: Rewriting
  /** It hears no more of what the client says. */
  readonly deaf?: true
  /** It speaks unasked, as soon as it has heard enough. */
  readonly interjects?: string
  /** It speaks unasked before its end. */
  readonly lastWords?: string
  /** Its end does not come, or late, or is an RST. */
  readonly end?: 'never' | 'reset' | { readonly lateMs: number }
  /**
   * It ends too early: so long after it was connected to, has heard enough, or has said the last of
   * what it says.
   */
  readonly hangsUp?: { readonly by: 'fin' | 'reset'; readonly afterMs: number; readonly from?: 'connected' | 'said' }
  /** It never lets go of its socket: not after its own end, not after the client's. */
  readonly keeps?: true
  /** It takes the client's FIN for the end of all. */
  readonly finEndsAll?: true
  /** It takes everybody else with it. */
  readonly dies?: true
  /** On HTTP/2 these frames of its own are lost. */
  readonly loses?: readonly FrameType[]
}

/** Of its process. */
export interface ProcessSin {
  /** So many signals reach the server. */
  readonly signals?: number
  /** A signal ends it at once. */
  readonly drops?: true
  /** It ends with this status, whatever happened. */
  readonly status?: number
}

export interface Sinner {
  readonly wire?: WireSin
  readonly process?: ProcessSin
  /** Cases that cannot pass either, since they see the same sin. */
  readonly also?: readonly string[]
}
