/** The groups of a configuration and the upstreams in them. */
import { format } from '../../policy/units.ts'
import type { GroupConfig, UpstreamConfig } from './config.ts'
import { type GroupFile, groupScope, type ReadFile } from './schema.ts'
import { settled } from './setting.ts'
import { checkSettings } from './settings/checks.ts'
import { optionsOf, type UpstreamOptions } from './settings/limits.ts'
import type { UpstreamFile } from './settings/upstreams.ts'
import type { Keys, Source } from './source.ts'
import type { UpstreamText } from './texts.ts'

export async function groupsOf(
  file: ReadFile,
  options: UpstreamOptions,
  source: Source,
): Promise<Record<string, GroupConfig>> {
  const { to, groups: named = {} } = file
  const groups: Record<string, GroupConfig> = {}
  if (to !== undefined) {
    if (file.groups !== undefined || file.routes !== undefined) {
      source.refuse(['to'], undefined, 'groups and routes already say where requests go', 'one of the two ways')
    }
    groups['default'] = await groupOf('default', ['to'], { to }, file, options, source)
    return groups
  }
  for (const [name, given] of Object.entries(named)) {
    const isShort = Array.isArray(given) || typeof given !== 'object' || given === null || 'url' in given
    const group = (isShort ? { to: given } : given) as GroupFile
    groups[name] = await groupOf(
      name,
      isShort ? ['groups', name] : ['groups', name, 'to'],
      group,
      file,
      options,
      source,
    )
  }
  if (Object.keys(groups).length === 0)
    source.refuse(['groups'], '', 'there is no upstream', 'to, or groups and routes')
  return groups
}

async function groupOf(
  name: string,
  keys: Keys,
  group: GroupFile,
  file: ReadFile,
  options: UpstreamOptions,
  source: Source,
): Promise<GroupConfig> {
  const list = (Array.isArray(group.to) ? group.to : [group.to]) as readonly (UpstreamText | UpstreamFile)[]
  if (list.length === 0) source.refuse(keys, '[]', 'it is empty', 'at least one upstream')
  const upstreams: UpstreamConfig[] = []
  for (const [index, given] of list.entries()) {
    const at = Array.isArray(group.to) ? [...keys, index] : keys
    const upstream = await upstreamOf(at, given, source)
    if (upstreams.some(({ url }) => url === upstream.url))
      source.refuse(at, upstream.url, `group ${name} has it twice`, 'weight, for a larger share')
    upstreams.push(upstream)
  }
  const own = settled(groupScope, group, file)
  const check = own.check === null ? null : settled(checkSettings, own.check)
  if (check !== null && check.timeoutMs > check.intervalMs) {
    const at = group.check === undefined ? ['check'] : ['groups', name, 'check']
    source.refuse(
      [...at, 'timeoutMs'],
      format('duration', check.timeoutMs),
      'it is longer than intervalMs',
      `up to ${format('duration', check.intervalMs)}`,
    )
  }
  return {
    ...own,
    name,
    upstreams,
    check,
    options: optionsOf(options, group, 'group'),
  }
}

async function upstreamOf(keys: Keys, given: UpstreamText | UpstreamFile, source: Source): Promise<UpstreamConfig> {
  const { url, more } =
    typeof given.url === 'string'
      ? { url: given as UpstreamText, more: null }
      : { url: given.url, more: given as UpstreamFile }
  const { servername, ca, cert, key, verify = true } = more ?? {}
  if (!url.secure) {
    for (const [name, value] of Object.entries({ servername, ca, cert, key, verify: more?.verify })) {
      if (value !== undefined)
        source.refuse([...keys, name], value, `${url.url} does not speak TLS`, 'beside an https:// URL')
    }
  }
  if ((cert === undefined) !== (key === undefined)) {
    source.refuse(
      [...keys, cert === undefined ? 'key' : 'cert'],
      cert ?? key,
      `it needs ${cert === undefined ? 'cert' : 'key'} beside it`,
    )
  }
  const pem = (name: 'ca' | 'cert' | 'key', path: string | undefined) =>
    path === undefined ? '' : source.pem([...keys, name], path, name === 'key' ? 'private key' : 'certificate')
  const read = { ca: await pem('ca', ca), cert: await pem('cert', cert), key: await pem('key', key) }
  return {
    url: url.url,
    host: url.host,
    port: url.port,
    unix: url.unix,
    tls: url.secure
      ? {
          servername: servername ?? url.host,
          verify,
          ...(ca !== undefined && { ca: read.ca }),
          ...(cert !== undefined && { cert: read.cert }),
          ...(key !== undefined && { key: read.key }),
        }
      : null,
    weight: more?.weight ?? url.weight,
    proxyProtocol: more?.proxyProtocol ?? url.proxyProtocol,
  }
}
