/** What a connection's end and its moves are called. */
import type { By, Cause, otherCauses, Why } from '../lifecycle/cause.ts'
import { reasons } from '../lifecycle/reasons.ts'
import { isLimit, limitTexts } from '../observe/cause-text.ts'

const enders: Readonly<Record<By, string>> = {
  client: 'the client',
  server: 'the server',
  kernel: 'the kernel',
  operator: 'an operator',
}

const otherTexts: Readonly<Record<keyof typeof otherCauses, string>> = {
  fin: 'FIN',
  reset: 'RST',
  left: 'FIN or RST',
  vanished: 'nobody answered its probes',
  last: 'the response said that it was the last',
  malformed: 'its request was malformed',
  surplus: 'its client has too many connections',
  application: 'the application broke off its response',
  fault: 'a fault of hangup’s',
  operator: 'closed by hand',
}

/** For a column: `headTimeoutMs`. */
export const shortReason = (why: Why): string => (isLimit(why) ? reasons[why].option : otherTexts[why])

/**
 * `ended by the server in state head: its request head was not finished in time (headTimeoutMs)`
 */
export const causeText = ({ by, phase, why }: Cause): string =>
  `ended by ${enders[by]} in state ${phase}: ${isLimit(why) ? `${limitTexts[why]} (${reasons[why].option})` : otherTexts[why]}`
