/** Why a connection ended, in words of the length of a table's cell. */
import { type Cause, otherCauses, type Why } from '../lifecycle/cause.ts'
import { type ReasonName, reasons } from '../lifecycle/reasons.ts'

const limitTexts: Readonly<Record<ReasonName, string>> = {
  handshake: 'the TLS handshake took too long',
  silent: 'it sent no request in time',
  head: 'the head of its request took too long',
  headTooLarge: 'the head of its request was too large',
  headFields: 'its request had too many fields',
  body: 'its request body fell silent',
  bodyRate: 'its request body came too slowly',
  upload: 'its upload took too long',
  bodyTooLarge: 'its request body was too large',
  handler: 'the handler took too long',
  write: 'it took nothing of its response',
  writeRate: 'it took its response too slowly',
  streamIdle: 'the application fell silent in its response',
  discard: 'the rest of its request took too long',
  lingered: 'it did not end its side',
  idle: 'it was idle',
  age: 'it was too old',
  pressure: 'it made room for another',
  descriptors: 'descriptors were short',
  full: 'all connections were busy',
  drained: 'the server drained',
  cut: 'the drain ran out of time',
}

const isLimit = (why: Why): why is ReasonName => why in reasons

export function causeText({ why }: Pick<Cause, 'why'>): string {
  return isLimit(why) ? limitTexts[why] : otherCauses[why]
}

/** The option that says so; null: none does. */
export const causeOption = ({ why }: Pick<Cause, 'why'>): string | null => (isLimit(why) ? reasons[why].option : null)
