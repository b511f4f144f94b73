/** Servers of ours that a test starts, each as a process of its own. */

import { type LaunchOptions, type Lifetime, type Started, startProgram } from './program.ts'
import type { Command } from './runtimes.ts'

export interface Port {
  readonly port: number
}

export const urlOf = ({ port }: Port): string => `http://127.0.0.1:${port}`

export const portOf = (url: string): number => Number(new URL(url).port)

export interface Server extends Started, Port {
  readonly url: string
  /** All that its start-up report says. */
  readonly report: Readonly<Record<string, any>>
}

/** A command with `--report json`. */
export async function startServer(
  t: Lifetime | null,
  command: readonly string[],
  options?: LaunchOptions,
): Promise<Server> {
  const program = await startProgram(t, command, options)
  const report = JSON.parse(program.line)
  const url: string = report.url ?? report.urls[0]
  return { ...program, report, url, port: portOf(url) }
}

export interface Listening extends Started, Port {
  readonly unix: boolean
}

/** `listener.ts`: it takes the options of `serve()`, and answers what it is told by `say`. */
export async function startListener(t: Lifetime, command: Command, options: object): Promise<Listening> {
  const given = JSON.stringify({ port: 0, host: '127.0.0.1', engine: 'hangup', ...options })
  const program = await startProgram(t, [...command, 'test/lib/listener.ts', given], { stdin: true })
  const url = new URL(program.line)
  return { ...program, port: Number(url.port), unix: url.protocol.endsWith('+unix:') }
}
