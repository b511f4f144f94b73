/** What `hangup why` takes. */
import { adminClientEntries } from '../admin/client-settings.ts'
import { onOff, setting } from '../policy/setting.ts'
import { peerOf } from './peer.ts'

export const defaultLast = 3
/** Without a peer. */
export const listed = 20
const mostLast = 256

export const whyEntries = {
  peer: setting(
    {
      value: 'peer',
      what: 'Whose connections: an address, address:port, a network (10.0.0.0/8) or the number of one connection. Without it the latest ends are listed.',
      default: 'none',
      accepted: '10.0.0.7, 10.0.0.7:50312, [::1]:50312, 10.0.0.0/8, unix or 17',
      mayBeArgument: true,
    },
    (text, refuse) => {
      const isMeant = peerOf(text) ?? refuse('it is not an address, a network or a number')
      return { text, isMeant }
    },
  ),
  ...adminClientEntries,
  last: setting(
    {
      value: 'number',
      what: 'Tells so many of the ends at most, the latest first.',
      default: `${defaultLast} timelines, or a list of ${listed}`,
      accepted: `a whole number, 1 to ${mostLast}`,
    },
    (text, refuse) =>
      /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= mostLast
        ? Number(text)
        : refuse(`${text} is not a number from 1 to ${mostLast}`),
  ),
  json: onOff('Prints one JSON object: open connections and ended ones, with their moves.'),
  save: setting(
    {
      value: 'file',
      what: 'Writes the latest of these ends as a case that hangup probe <url> --case <file> plays: it does what the client did, and expects the response that the client did not get.',
      default: 'none',
      accepted: 'a path that ends in .json',
    },
    (text, refuse) => (text.endsWith('.json') ? text : refuse(`${text} does not end in .json`)),
  ),
} as const
