/**
 * The two loads that a list of steps can't say: clients that race the server's idle limit, and a
 * drain under traffic.
 */

import { systemClock } from '../../lifecycle/clock.ts'
import { sleep } from '../../lifecycle/time.ts'
import { CaseError } from '../judge/verdict.ts'
import { harnessSlackMs } from '../judge/window.ts'
import { authorityOf, Connection } from './client.ts'
import type { ReceivedResponse } from './response.ts'
import type { ServerProcess, Target } from './target.ts'

const answerWithinMs = 5_000

/** One request; null if the connection ended first or nothing came. */
async function exchange(connection: Connection, request: string): Promise<ReceivedResponse | null> {
  const { answers } = connection.reader
  const before = answers.length
  connection.send(request)
  await connection.until(
    () => answers.length > before || connection.end !== 'open',
    connection.clock.now() + answerWithinMs,
  )
  return answers[before] ?? null
}

function lastOne(answer: ReceivedResponse): boolean {
  return /(^|,)\s*close\s*(,|$)/i.test(answer.headers.get('connection') ?? '')
}

/** `Keep-Alive: timeout=N` in ms (RFC 2068 19.7.1.1). */
function hintMs(answer: ReceivedResponse): number | null {
  const seconds = /timeout=(\d+)/i.exec(answer.headers.get('keep-alive') ?? '')?.[1]
  return seconds === undefined ? null : Number(seconds) * 1000
}

/**
 * Shares of the hint, and of the idle limit: up to when no server closes any more, and until all
 * have.
 */
const hintedGap = [0.5, 1.1] as const
const ignoredGap = [0.9, 1.1] as const

export async function keepAliveRace(
  target: Target,
  {
    connections,
    requests,
    hint: use,
  }: { readonly connections: number; readonly requests: number; readonly hint?: 'ignored' | undefined },
): Promise<string> {
  const request = `GET ${target.paths.hello} HTTP/1.1\r\nHost: ${authorityOf(target)}\r\n\r\n`
  const { clock = systemClock } = target
  let left = requests
  let reused = 0
  let lost = 0
  /** The FIN was there before the request: a client loses nothing, but has been promised more. */
  let brokenPromises = 0
  let hinted = true

  async function client(number: number): Promise<void> {
    let connection: Connection | null = null
    let lastBeganMs = 0
    let hint = 0
    while (left > 0 && hinted) {
      left -= 1
      // The client must stop when the time since the answer began is up, not when it planned to
      // send.
      const mayReuse = connection !== null && (use === 'ignored' || clock.now() - lastBeganMs < hint)
      if (connection && !mayReuse) connection.destroy()
      if (mayReuse && connection?.end !== 'open') {
        if (use !== 'ignored') brokenPromises += 1
        connection = null
        continue
      }
      if (mayReuse) reused += 1
      else connection = await Connection.open(target)
      const answer = await exchange(connection as Connection, request)
      if (!answer) {
        lost += 1
        connection?.destroy()
        connection = null
        continue
      }
      const said = use === 'ignored' ? target.policy.idleTimeoutMs : hintMs(answer)
      if (said === null) {
        hinted = false
        break
      }
      lastBeganMs = answer.beganMs
      hint = said
      // Around the hint or the limit, spread evenly over the clients and, shifted, over their
      // requests.
      const share = ((number + left * 0.618) % connections) / connections
      const [from, to] = use === 'ignored' ? ignoredGap : hintedGap
      // From when it was asked: the server's clock runs from its answer, however late we read that.
      const wakeMs = (connection as Connection).sentMs + hint * (from + (to - from) * share)
      await sleep(Math.max(0, wakeMs - clock.now()), clock)
    }
    connection?.destroy()
  }

  await Promise.all(Array.from({ length: connections }, (_, number) => client(number)))
  if (!hinted) throw new CaseError('fail', 'a response has no Keep-Alive: timeout')
  if (brokenPromises > 0) {
    throw new CaseError('fail', `${brokenPromises} connections closed before the time that Keep-Alive promised`)
  }
  if (lost > 0) throw new CaseError('fail', `${lost} of ${requests} requests lost`, `${lost} lost`)
  if (reused < requests / 10) throw new CaseError('harness-failed', `only ${reused} requests on a used connection`)
  return `0 of ${requests} lost`
}

export interface DrainLoad {
  readonly signal: 'SIGTERM' | 'SIGINT'
  readonly idle: number
  readonly busy: number
  readonly active: number
  readonly beforeMs: number
  readonly exitWithinMs: number
}

/** `random`: how long an active client waits before its next request, as a share. */
export async function drainUnderLoad(target: Target, load: DrainLoad, random = Math.random): Promise<string> {
  const server = target.process as ServerProcess
  const { paths, policy, clock = systemClock } = target
  const head = (line: string) => `${line} HTTP/1.1\r\nHost: ${authorityOf(target)}\r\n`
  const hello = `${head(`GET ${paths.hello}`)}\r\n`
  const post = `${head(`POST ${paths.count}`)}Content-Length: 2\r\n\r\nhi`
  const opened: Connection[] = []
  const open = async () => {
    const connection = await Connection.open(target)
    opened.push(connection)
    // As clients do: the server's end is answered with their own.
    void connection.until(() => connection.end !== 'open', Number.POSITIVE_INFINITY).then(() => connection.destroy())
    return connection
  }
  try {
    const idle = await Promise.all(
      Array.from({ length: load.idle }, async () => {
        const connection = await open()
        if (!(await exchange(connection, hello))) throw new CaseError('setup-failed', 'an idle client was not answered')
        return connection
      }),
    )

    let signalled = false
    let answers = 0
    /** On a connection that had been answered before and had not said that this was the last. */
    let lostInUse = 0
    /** On a connection that the server may never have accepted. */
    let lostFresh = 0
    async function active(): Promise<void> {
      for (;;) {
        let connection: Connection
        try {
          connection = await open()
        } catch (error) {
          if (signalled) return // The listener is shut.
          throw new CaseError('setup-failed', `an active client: ${(error as Error).message}`)
        }
        for (let used = 0; ; used++) {
          const answer = await exchange(connection, post)
          if (!answer) {
            if (used > 0) lostInUse += 1
            else lostFresh += 1
            break
          }
          answers += 1
          if (answer.status !== 200) throw new CaseError('fail', `a POST was answered ${answer.status}`)
          if (lastOne(answer)) break
          await sleep(5 + random() * 55, clock)
          if (connection.end !== 'open') break
        }
        connection.destroy()
      }
    }
    const clients = Promise.all(Array.from({ length: load.active }, active))
    const busyMs = load.beforeMs + 1_000
    const busy = Promise.all(
      Array.from({ length: load.busy }, async () => {
        const answer = await exchange(await open(), `${head(`GET ${paths.slow}?ms=${busyMs}`)}\r\n`)
        if (answer?.status !== 200) throw new CaseError('fail', `a busy client got ${answer?.status ?? 'no response'}`)
      }),
    )
    // Both are awaited below; a failure before that must not count as unhandled.
    clients.catch(() => {})
    busy.catch(() => {})

    await sleep(load.beforeMs, clock)
    const fromMs = clock.now()
    signalled = true
    server.signal(load.signal)
    await busy
    await clients
    const exit = await Promise.race([server.exited, sleep(load.exitWithinMs, clock).then(() => null)])
    if (!exit) throw new CaseError('fail', `still running ${load.exitWithinMs} ms after the last response`)
    const posts = Number(/^posts=(\d+)$/m.exec(exit.stdout)?.[1] ?? Number.NaN)
    const sum = `${posts} POSTs executed, ${answers} answered, ${lostInUse} lost on connections in use, ${lostFresh} on new ones`
    if (answers < load.active * 3) throw new CaseError('harness-failed', `too few requests to tell: ${sum}`)
    if (posts !== answers || lostInUse > 0) throw new CaseError('fail', sum)
    if (exit.code !== 0) throw new CaseError('fail', `exit code ${exit.code}`)
    const latestMs = policy.minIdleMs + policy.drainSpreadMs + 250 + harnessSlackMs
    for (const connection of idle) {
      await connection.until(() => connection.end !== 'open', fromMs + latestMs)
      const afterMs = (connection.endedMs ?? Number.POSITIVE_INFINITY) - fromMs
      if (connection.end !== 'fin' || afterMs > latestMs) {
        throw new CaseError('fail', `an idle client saw ${connection.end} after ${Math.round(afterMs)} ms`)
      }
    }
    return `${posts} of ${posts} answered${lostFresh > 0 ? `, ${lostFresh} never accepted` : ''}`
  } finally {
    for (const connection of opened) connection.destroy()
  }
}
