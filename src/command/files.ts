/** The files that settings name: the app's module and the PEM files. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type AdminOptions, adminPlan } from '../admin/options.ts'
import type { adminSecrets, adminSettings } from '../admin/settings.ts'
import { ConfigError, problem } from '../policy/problems.ts'
import { flagOf } from '../policy/spelling.ts'
import type { App } from '../serve/contract.ts'
import { nodeStyleRefusal } from '../serve/node-handler.ts'
import { Certificate } from '../tls/certificates.ts'
import { failureLine } from './module-failure.ts'
import { type SettingName, type Settings, settingSpecs } from './settings.ts'

type NameOf = (setting: keyof Settings) => string

async function read<Name extends SettingName>(
  setting: Name,
  path: string,
  nameOf: (setting: Name) => string,
): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw refused(setting, path, `it cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`, nameOf, error)
  }
}

/** PEM text of a pair that can be served with, or undefined without TLS. */
export async function loadTls(settings: Settings, nameOf: NameOf): Promise<{ cert: string; key: string } | undefined> {
  const { tlsCert, tlsKey } = settings
  if (tlsCert === undefined || tlsKey === undefined) return undefined
  const pair = { cert: await pem('tlsCert', tlsCert, nameOf), key: await pem('tlsKey', tlsKey, nameOf) }
  try {
    new Certificate(pair)
  } catch (cause) {
    const names = `${nameOf('tlsCert')}, ${nameOf('tlsKey')}`
    const wrong = problem(names, `${tlsCert}, ${tlsKey}`, (cause as Error).message, 'a certificate and its key (PEM)')
    throw new ConfigError([wrong]) // without the cause: its words are all there is to say
  }
  return pair
}

async function pem(setting: 'tlsCert' | 'tlsKey', path: string, nameOf: NameOf): Promise<string> {
  const text = await read(setting, path, nameOf)
  // RFC 7468.
  const label =
    setting === 'tlsCert' ? /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/ : /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/
  if (label.test(text)) return text
  throw refused(setting, path, `it holds no ${setting === 'tlsCert' ? 'certificate' : 'private key'}`, nameOf)
}

type AdminSetting = keyof typeof adminSettings | keyof typeof adminSecrets

/** What `serve()` takes as `admin`, checked, with the token that is in a file. */
export async function loadAdmin(
  settings: Pick<Settings, AdminSetting>,
  nameOf: (setting: AdminSetting) => string,
): Promise<AdminOptions | undefined> {
  const { admin, adminTokenFile, adminToken, adminHosts } = settings
  if (!admin) {
    const alone = (['adminTokenFile', 'adminHosts'] as const).find((name) => settings[name] !== undefined)
    if (alone === undefined) return undefined
    throw new ConfigError([problem(nameOf(alone), settings[alone], `it needs ${flagOf('admin')} beside it`, '')])
  }
  if (adminTokenFile !== undefined && adminToken !== undefined) {
    const why = `${nameOf('adminToken')} already has a token`
    throw new ConfigError([problem(nameOf('adminTokenFile'), adminTokenFile, why, 'one of the two')])
  }
  const token =
    adminTokenFile === undefined ? adminToken : (await read('adminTokenFile', adminTokenFile, nameOf)).trim()
  const options: AdminOptions = {
    ...(typeof admin === 'string' && { listen: admin }),
    ...(token !== undefined && { token }),
    ...(adminHosts !== undefined && { hosts: adminHosts }),
  }
  adminPlan(options, nameOf('admin'))
  return options
}

export interface LoadedApp {
  readonly app: App
  /** What the runtime's `serve()` takes as `websocket`, where its adapter wants one. */
  readonly websocket?: any
}

/**
 * The default export of a module and its `websocket`, if it has one; `path` relative to the working
 * directory.
 */
export async function loadApp(path: string, nameOf: NameOf): Promise<LoadedApp> {
  const file = resolve(path)
  await read('app', file, nameOf)
  let module: { default?: unknown; websocket?: unknown }
  try {
    module = await import(pathToFileURL(file).href)
  } catch (error) {
    throw refused('app', path, `it failed to load (${failureLine(error)})`, nameOf, error)
  }
  const { default: app, websocket } = module
  const refusal = nodeStyleRefusal(app)
  if (refusal !== null) throw refused('app', path, refusal, nameOf)
  const fetches = typeof app === 'object' && app !== null && 'fetch' in app && typeof app.fetch === 'function'
  if (typeof app === 'function' || fetches) return { app: app as App, ...(websocket ? { websocket } : {}) }
  const why = app === undefined ? 'it has no default export' : 'its default export is not an app'
  throw refused('app', path, why, nameOf)
}

function refused<Name extends SettingName>(
  setting: Name,
  path: string,
  why: string,
  nameOf: (setting: Name) => string,
  cause?: unknown,
): ConfigError {
  const accepted =
    setting === 'app'
      ? 'a module whose default export is a Hono app, has fetch or is a function'
      : settingSpecs[setting].accepted
  return new ConfigError([problem(nameOf(setting), path, why, accepted)], { cause })
}
