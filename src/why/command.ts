/** `hangup why`: what happened to a client, out of the admin listener's record. */
import { writeFile } from 'node:fs/promises'
import type { AdminClient } from '../admin/client.ts'
import { readAdminCommand } from '../admin/client-of.ts'
import type { Host } from '../command/host.ts'
import { runCommand } from '../command/main.ts'
import { type EndedConnection, recordedEnds } from '../observe/flight-recorder.ts'
import type { OpenConnection } from '../observe/observer.ts'
import { exitStatus } from '../policy/exit-status.ts'
import { ConfigError, type Problem, problem } from '../policy/problems.ts'
import type { Read } from '../policy/setting.ts'
import { flagOf } from '../policy/spelling.ts'
import type { CaseInput } from '../probe/case-file.ts'
import { caseOf, type Saved } from './case-of.ts'
import { defaultLast, listed, whyEntries } from './settings.ts'
import { endedText, listText, openText } from './text.ts'

type Settings = Read<typeof whyEntries>

export function whyCommand(argv: readonly string[], host: Host): Promise<void> {
  return runCommand({ command: 'why', program: 'hangup why' }, argv, host, () => {
    const { settings, client } = readAdminCommand('why', whyEntries, argv, host.env)
    return run(settings, client, host)
  })
}

async function run(settings: Settings, client: AdminClient, host: Host): Promise<number> {
  const { peer, json, save } = settings
  const open = await openOf(settings, client)
  const ended = await client.ends()
  const meant = peer === undefined ? ended : ended.filter(peer.isMeant)
  const told = meant.slice(0, settings.last ?? (peer === undefined && save === undefined ? listed : defaultLast))
  if (save !== undefined) return saved(meant, save, peer?.text, host)
  if (json) {
    host.out(`${JSON.stringify({ open, ended: told })}\n`)
    return exitStatus.done
  }
  if (open.length + told.length === 0) return nobody(peer?.text, host)
  if (peer === undefined) host.out(`${listText(told, host.columns)}\n${hint}`)
  else {
    const now = Date.now()
    const texts = [
      ...open.map((one) => openText(one, now, host.columns)),
      ...told.map((one) => endedText(one, host.columns)),
    ]
    const rest = meant.length - told.length
    host.out(`${texts.join('\n')}${rest > 0 ? `\n${rest} more ended: ${flagOf('last')} ${meant.length}\n` : ''}`)
  }
  return exitStatus.done
}

const hint = 'hangup why <peer or number> tells one move by move; hangup top shows who is connected.\n'

/**
 * Open connections of the peer that was asked for; one after another, as an admin listener takes
 * few of ours.
 */
async function openOf({ peer, last = defaultLast }: Settings, client: AdminClient): Promise<OpenConnection[]> {
  if (peer === undefined) return []
  const views = (await client.connections()).filter(peer.isMeant).slice(0, last)
  const found: OpenConnection[] = []
  for (const { id } of views) {
    const open = await client.connection(id)
    if (open !== null) found.push(open)
  }
  return found
}

function nobody(peer: string | undefined, host: Host): number {
  if (peer === undefined) {
    host.err('hangup: no connection has ended yet\n')
    return exitStatus.failed
  }
  host.err(`hangup: ${peer}: no such connection is open, and none of the last ${recordedEnds} that ended was one\n`)
  return exitStatus.failed
}

/** A line for each step, to be read and edited. */
function caseText({ steps, ...rest }: CaseInput): string {
  const entries = Object.entries(rest).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`)
  return `{\n${entries.join('')}  "steps": [\n${steps.map((step) => `    ${JSON.stringify(step)}`).join(',\n')}\n  ]\n}\n`
}

/** The latest of them that can be played. */
async function saved(
  ended: readonly EndedConnection[],
  file: string,
  peer: string | undefined,
  host: Host,
): Promise<number> {
  const [first] = ended
  if (first === undefined) return nobody(peer, host)
  const tries: { readonly of: EndedConnection; readonly result: Saved }[] = []
  for (const of of ended) {
    const result = caseOf(of)
    tries.push({ of, result })
    if ('case' in result) break
  }
  const { of, result } = tries.at(-1)!
  if ('why' in result) {
    const [latest] = tries
    host.err(`hangup: #${first.id} is not a case: ${(latest!.result as { readonly why: string }).why}\n`)
    return exitStatus.failed
  }
  const problems: Problem[] = []
  await writeFile(file, caseText(result.case)).catch(({ code }: NodeJS.ErrnoException) => {
    problems.push(problem(flagOf('save'), file, `it cannot be written (${code})`, ''))
  })
  if (problems.length > 0) throw new ConfigError(problems)
  host.out(`${file}: ${result.case.title} (#${of.id})\nhangup probe <url> --case ${file} plays it\n`)
  return exitStatus.done
}
