/** What says where a command finds an admin listener, and the token that it shows there. */
import { setting } from '../policy/setting.ts'
import { variableOf } from '../policy/spelling.ts'
import { adminPlan, defaultPlace, type Place, placeAccepted, placeOf } from './options.ts'

export const adminClientEntries = {
  admin: setting(
    {
      value: 'where',
      what: 'The admin listener of the server.',
      default: defaultPlace,
      accepted: `${placeAccepted}, or its URL`,
      elseVariable: variableOf('admin'),
    },
    (text, refuse): Place => {
      // A server’s own variable may say only that there is a listener.
      if (text === 'yes') return adminPlan(true).at
      const place = placeOf(text.replace(/^http:\/\//i, '').replace(/\/$/, ''))
      if (place === null || ('port' in place && place.port === 0)) {
        return refuse(`${text} is not a place where somebody listens`)
      }
      return 'unix' in place ? place : { ...place, host: reachable(place.host) }
    },
  ),
  adminTokenFile: setting(
    {
      value: 'file',
      what: `File with the token of the admin listener. The variable ${variableOf('adminToken')} holds a token itself.`,
      default: 'no token',
      accepted: 'a path to a file',
      elseVariable: variableOf('adminTokenFile'),
    },
    (text) => text,
  ),
} as const

/** Who listens on all addresses is asked on loopback. */
const reachable = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)
