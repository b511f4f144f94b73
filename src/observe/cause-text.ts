/** Why a connection ended, in words of the length of a table's cell. */
import { type Cause, otherCauses, type Why } from '../lifecycle/cause.ts'
import { type ReasonName, reasons } from '../lifecycle/reasons.ts'

/** Why a limit ended it, to be told with the option. */
export const limitTexts: Readonly<Record<ReasonName, string>> = {
  handshake: 'its TLS handshake was not finished in time',
  silent: 'it sent nothing',
  head: 'its request head was not finished in time',
  headTooLarge: 'its request head was too large',
  headFields: 'its request head had too many fields',
  body: 'its request body fell silent',
  bodyRate: 'its request body came too slowly',
  upload: 'its request body took too long',
  bodyTooLarge: 'its request body was too large',
  handler: 'the handler took too long',
  write: 'it took nothing of its response',
  writeRate: 'it took its response too slowly',
  streamIdle: 'the application fell silent in its response',
  webSocketIdle: 'its client answered no ping',
  discard: 'it went on sending a body that nobody reads',
  lingered: 'it did not end its side',
  idle: 'it was idle',
  age: 'it was old enough',
  pressure: 'room was needed for others',
  descriptors: 'descriptors were short',
  full: 'all connections were busy',
  upgradedFull: 'there were as many WebSockets as may be',
  overload: 'the event loop was behind',
  drained: 'the server was drained',
  cut: 'the time of the drain was over',
}

export const isLimit = (why: Why): why is ReasonName => Object.hasOwn(reasons, why)

export function causeText({ why }: Pick<Cause, 'why'>): string {
  return isLimit(why) ? limitTexts[why] : otherCauses[why]
}

/** The option that says so; null: none does. */
export const causeOption = ({ why }: Pick<Cause, 'why'>): string | null => (isLimit(why) ? reasons[why].option : null)
