/**
 * What the package may cost, in bytes, and why: data. More of one is a decision, made here. A
 * bundle is what esbuild makes of an entry for somebody's application, minified; only our own bytes
 * count.
 */
export interface BundleSize {
  /** What the application imports. */
  readonly entry: string
  /** Conditions of the bundler, beside `import`. */
  readonly conditions: readonly string[]
  /** Loaded before the first request. */
  readonly atStart: number
  /** With what is loaded when it is used. */
  readonly inAll: number
  readonly why: string
}

const isolate = 'an isolate reads all of it at each cold start'
const process = 'a process reads it once; what only some servers use is loaded when they do'
const streams = 'of it 8 KB are heartbeat() and limits(), for applications that import them'

export const bundleSizes: Readonly<Record<string, BundleSize>> = {
  'a server on Node': { entry: 'hangup', conditions: ['node'], atStart: 180_000, inAll: 282_000, why: process },
  'a server on Bun': { entry: 'hangup', conditions: ['bun'], atStart: 136_000, inAll: 307_000, why: process },
  'a server on Deno': { entry: 'hangup', conditions: ['deno'], atStart: 227_000, inAll: 318_000, why: process },
  'an app under deno serve': {
    entry: 'hangup/deno-serve',
    conditions: ['deno'],
    atStart: 192_000,
    inAll: 192_000,
    why: `${process}; all of it is loaded before Deno asks for the handler`,
  },
  'an app on Workers': {
    entry: 'hangup',
    conditions: ['workerd'],
    atStart: 127_000,
    inAll: 127_000,
    why: `${isolate}; ${streams}`,
  },
  'a gateway on Workers': {
    entry: 'hangup/gateway',
    conditions: ['workerd'],
    atStart: 218_000,
    inAll: 218_000,
    why: isolate,
  },
  'a gateway': { entry: 'hangup/gateway', conditions: ['node'], atStart: 325_000, inAll: 483_000, why: process },
  'routes of an admin listener': {
    entry: 'hangup/admin',
    conditions: ['node'],
    atStart: 81_000,
    inAll: 82_000,
    why: 'it joins an application that may use nothing else of ours',
  },
  'the conformance suite': {
    entry: 'hangup/probe',
    conditions: ['node'],
    atStart: 300_000,
    inAll: 300_000,
    why: 'most of it are the cases, whose texts are for readers: it is for tests, and no server loads it',
  },
}

/** Of the installed package, unpacked. */
export const packageSizes: Readonly<
  Record<string, { readonly files: RegExp; readonly most: number; readonly why: string }>
> = {
  'programs and libraries': {
    files: /\.js$/,
    most: 1_260_000,
    why: 'the command has all of them, and its help and reports are text',
  },
  'types for compilers and editors': {
    files: /^dist\/(?!sources\/).*\.d\.ts(\.map)?$/,
    most: 278_000,
    why: 'each option says what it is where it is written, and no declaration is there that no entry reaches',
  },
  'sources that editors lead to': {
    files: /^dist\/sources\//,
    most: 67_000,
    why: 'only of the entries and of the types of what serve() and gateway() take and give',
  },
  'all of it': { files: /./, most: 1_620_000, why: 'it is installed in images that are otherwise small' },
}
