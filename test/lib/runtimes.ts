/**
 * The runtimes, and what starts a program on each: the one list that all tests and benches share.
 */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { describe } from 'node:test'
import { fileURLToPath } from 'node:url'

/** Of the checkout, with a slash at its end. */
export const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = `${root}node_modules/.bin/`

export type Command = readonly [program: string, ...args: string[]]

/** What comes before the name of a module. */
export const runtimeCommands = {
  node: [`${bin}node`],
  bun: [`${bin}bun`],
  deno: [`${bin}deno`, 'run', '-A'],
} as const satisfies Readonly<Record<string, Command>>

export type RuntimeName = keyof typeof runtimeCommands
export const runtimeNames = Object.keys(runtimeCommands) as readonly RuntimeName[]

export const commandOn = (runtime: RuntimeName, ...args: readonly string[]): Command => [
  ...runtimeCommands[runtime],
  ...args,
]

/** The program `hangup`. Its path is absolute: it may be started in any folder. */
export const hangupOn = (runtime: RuntimeName, ...args: readonly string[]): Command =>
  commandOn(runtime, `${root}src/cli.ts`, ...args)

/**
 * The flags of a server that a test starts: a free port of the loopback, told in one line of JSON.
 */
export const onAnyPort = ['--host', '127.0.0.1', '--port', '0', '--report', 'json'] as const

export const withDescriptors = (count: number, command: readonly string[]): Command => [
  ...(['sh', '-c', `ulimit -n ${count}; exec "$@"`, 'sh'] as const),
  ...command,
]

/** The project's own tools before the machine's, and no variable that would be a setting. */
export const environment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HANGUP_|PORT$)/.test(name))),
  PATH: `${bin}:${root}test/node_modules/.bin:${process.env['PATH']}`,
  WRANGLER_SEND_METRICS: 'false',
}

/** The certificate of the tests, by the names of its files from the root. */
export const tlsFiles = { cert: 'test/fixtures/tls/cert.pem', key: 'test/fixtures/tls/key.pem' } as const
export const tlsFlags = ['--tls-cert', tlsFiles.cert, '--tls-key', tlsFiles.key] as const

/** The same as text, which the options of `serve()` take. */
export const tlsTexts = () => ({
  cert: readFileSync(root + tlsFiles.cert, 'utf8'),
  key: readFileSync(root + tlsFiles.key, 'utf8'),
})

/**
 * The same tests for each, one after another; the runtimes side by side, because such tests mostly
 * wait.
 */
export function onEachRuntime(title: string, tests: (name: RuntimeName) => void): void {
  describe(title, { concurrency: runtimeNames.length }, () => {
    for (const name of runtimeNames) describe(`on ${name}`, { concurrency: 1 }, () => tests(name))
  })
}
