/** The keys that only a route has: which requests it takes, where they go and how they change. */
import { optionSpecs } from '../../../policy/policy.ts'
import { requestLimits } from '../../../policy/request-limits.ts'
import { isPrefix } from '../../message/target.ts'
import { amount, list, pairs, text, toggle } from '../kinds.ts'
import { amounts, object } from '../objects.ts'
import { required, schemasOf, setting, structure } from '../setting.ts'
import { isToken } from '../texts.ts'

const prefix = (accepted: string) =>
  text({ value: 'path', accepted }, (given, refuse) =>
    !/^\/[!-~]*$/.test(given) || /[?#]/.test(given)
      ? refuse(`${given} is not a path`)
      : isPrefix(given)
        ? given
        : refuse(`${given} can be read in more than one way: it has .., //, ; or a backslash`),
  )

const hostName = text({ accepted: 'a name, or *.example.com' }, (given, refuse) =>
  /^(\*\.)?[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*$|^\[?[\da-f:.]+\]?$/i.test(given)
    ? given.toLowerCase()
    : refuse(`${given} is not a host${/:\d+$/.test(given) ? '; leave the port out' : ''}`),
)

/**
 * Set by what frames a message, or by the gateway for each connection: RFC 9110 7.6.1, RFC 9112 6.
 */
const ownFields = new Set(
  'connection content-length host keep-alive proxy-connection te trailer transfer-encoding upgrade via'.split(' '),
)

function fieldProblem(name: string): string | null {
  if (!isToken(name)) return `${JSON.stringify(name)} is not a field name`
  if (name.toLowerCase() === 'host') return 'hostHeader sets Host'
  return ownFields.has(name.toLowerCase()) ? `the gateway itself sets ${name}` : null
}

/** RFC 9110 5.5. */
const isFieldValue = (value: unknown): boolean =>
  typeof value === 'string' && /^([!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/.test(value)

const changeSettings = {
  set: setting(
    pairs(
      'an object of names and values',
      (name, value) =>
        fieldProblem(name) ?? (isFieldValue(value) ? null : `${name}: ${JSON.stringify(value)} is not a field value`),
      (fields): readonly string[] => Object.entries(fields).flat(),
    ),
    { default: [], what: 'Fields that replace all fields of their names.', workers: 'held' },
  ),
  remove: setting(
    list({ value: 'names', accepted: 'field names', wrong: fieldProblem, made: (name) => name.toLowerCase() }),
    { default: [], what: 'Fields that are not passed on.', workers: 'held' },
  ),
} as const

const changes = structure('an object: set, remove', object(schemasOf(changeSettings)))
const insideChanges = { table: changeSettings, flagsOf: 'first' } as const

const changedLimits = structure(`an object of ${requestLimits.join(', ')}`, object(amounts(optionSpecs, requestLimits)))

export const routeSettings = {
  host: setting(hostName, { unset: 'every host', what: 'Host names that it serves.', workers: 'held' }),
  path: setting(prefix('a path: /api'), {
    default: '/',
    what: 'Paths that it serves: this one and all below it.',
    workers: 'held',
  }),
  methods: setting(
    list({
      value: 'names',
      accepted: 'methods: ["GET", "HEAD"]',
      wrong: (name) => (isToken(name) ? null : `${name} is not a method`),
      made: (name) => name.toUpperCase(),
    }),
    { unset: 'every method', what: 'Methods that it serves.', workers: 'held' },
  ),
  to: required(text({ accepted: 'the name of a group' }), { what: 'The group that answers.', workers: 'held' }),
  strip: setting(toggle, {
    default: false,
    what: 'Cuts the path of the route off before the request goes on.',
    workers: 'held',
  }),
  rewrite: setting(prefix('a path: /v2'), {
    unset: 'the path as it came',
    what: 'Replaces the path of the route.',
    workers: 'held',
  }),
  request: setting(changes, {
    unset: 'none',
    what: 'Changes to the fields of requests.',
    workers: 'held',
    inside: insideChanges,
  }),
  response: setting(changes, {
    unset: 'none',
    what: 'Changes to the fields of responses.',
    workers: 'held',
    inside: insideChanges,
  }),
  maxBodyBytes: setting(
    { ...amount(optionSpecs.maxBodyBytes), accepted: 'a size with a unit (64kb, 1mb), up to that' },
    { unset: 'that of the connection policy', what: 'The largest request body.', workers: 'held' },
  ),
  limits: setting(changedLimits, {
    unset: 'the connection policy',
    what: 'Limits of the connection policy that its requests have in the place of the gateway’s, until they are answered.',
    workers: {
      why: 'only handlerTimeoutMs can be changed for one request',
      fits: (limits) => Object.keys(limits).every((name) => name === 'handlerTimeoutMs'),
      accepted: 'handlerTimeoutMs',
    },
  }),
} as const
