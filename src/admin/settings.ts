/** The flags and variables of the admin listener, the same for every command that has one. */
import { setting } from '../policy/setting.ts'
import { defaultPlace, placeAccepted, placeOf } from './options.ts'

export const adminSettings = {
  admin: setting(
    {
      value: 'where',
      bare: 'yes',
      what: `Listens for its operator: health, metrics, connections and why they ended. Without a value on ${defaultPlace}.`,
      default: 'nothing listens',
      accepted: `${placeAccepted}; yes or no`,
    },
    (text, refuse): string | boolean => {
      if (text === 'yes' || text === 'no') return text === 'yes'
      return placeOf(text) === null ? refuse(`${text} is not a place to listen on`) : text
    },
  ),
  adminTokenFile: setting(
    {
      value: 'file',
      what: 'File with the token that the admin listener asks for, needed where other machines can reach it. The variable HANGUP_ADMIN_TOKEN holds a token itself.',
      default: 'no token',
      accepted: 'a path to a file',
    },
    (text) => text,
  ),
  adminHosts: setting(
    {
      value: 'names',
      what: 'Names that the admin listener may be asked by beside addresses and localhost, several with commas.',
      default: 'no others',
      accepted: 'host names without a port',
    },
    (text, refuse) =>
      text.split(',').map((name) => (isHostName(name.trim()) ? name.trim() : refuse(`${name} is not a host name`))),
  ),
} as const

/** A secret has a variable and no flag: others on the machine can read a command line. */
export const adminSecrets = {
  adminToken: setting(
    { value: 'text', what: 'The token of the admin listener.', default: 'none', accepted: 'a long random text' },
    (text) => text,
  ),
} as const

const isHostName = (text: string): boolean => /^[a-z\d]([a-z\d.-]*[a-z\d])?$/i.test(text)
