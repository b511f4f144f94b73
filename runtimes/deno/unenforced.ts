/** `deno serve` where the kernel can't be asked: `Deno.serve` as it is, which hangs up on nobody. Only its end is ours. */
import type { Enforced, Enforcement } from '../../src/enforcement.ts'
import { Drain } from '../../src/lifecycle/drain.ts'
import { guardHandler } from '../../src/lifecycle/guard.ts'
import { type ReasonName, reasons } from '../../src/lifecycle/reasons.ts'
import { failed } from '../../src/native-answer.ts'
import { type OptionName, optionNames } from '../../src/policy.ts'
import { runningUnseen } from '../../src/running.ts'
import type { App, Running, ServeOptions } from '../../src/server.ts'
import { fetchOf, prepare } from '../../src/serving.ts'
import { withHeader } from './response.ts'
import type { DenoServer, Handler } from './serve.ts'

const held: Partial<Record<OptionName, string>> = {
  handlerTimeoutMs: 'a timer round the handler',
  drainDelayMs: 'drain',
  drainTimeoutMs: 'drain; Deno ends idle connections together with the listener',
}

/** `why` nobody can: what is missing. */
export function unenforced(why: string): Enforcement {
  const nobody: Enforced = { by: 'nobody', stepMs: 0, how: `Deno.serve hangs up on nobody by itself, and ${why}` }
  return Object.fromEntries(
    optionNames.map((option) => {
      const how = held[option]
      return [option, how === undefined ? nobody : { by: 'hangup', stepMs: 0, how }]
    }),
  ) as Record<OptionName, Enforced>
}

/** `listen` takes the handler at once, and resolves when the command has started the server. */
export async function serveUnenforced(
  app: App,
  options: ServeOptions,
  why: string,
  listen: (handler: Handler) => Promise<DenoServer>,
): Promise<Running> {
  const enforcement = unenforced(why)
  const { policy, log } = prepare(options, [], { runtime: 'deno serve', enforcement })
  const hungUp: Record<string, number> = {}
  const note = (reason: ReasonName): void => {
    const { option } = reasons[reason]
    hungUp[option] = (hungUp[option] ?? 0) + 1
    log.note(reason)
  }
  const fetch = guardHandler(fetchOf(app), {
    handlerTimeoutMs: policy.handlerTimeoutMs,
    onTimeout: () => note('handler'),
  })
  let busy = 0
  let requests = 0

  const server = await listen(async (request, info) => {
    requests += 1
    busy += 1
    const ended = () => {
      busy -= 1
    }
    info.completed.then(ended, ended)
    const answer = await answerOf(() => fetch(request, info))
    return drain.draining ? withHeader(answer, 'connection', 'close') : answer
  })
  server.finished.catch((error) => {
    if (drain.phase === 'serving')
      log.write({ level: 'error', code: 'ACCEPT_FAILED', message: `accepting failed: ${error}` })
  })

  const drain = new Drain(policy, {
    announce() {},
    stopAccepting: () => {
      server.shutdown().catch(() => {})
    },
    hangUpIdle() {},
    left: () => busy,
    cut: () => busy,
  })
  const parts = { engine: 'Deno.serve', why, options, port: server.addr.port, policy, enforcement, log, drain }
  return runningUnseen(parts, () => ({ busy, requests, hungUp }))
}

async function answerOf(ask: () => Response | Promise<Response>): Promise<Response> {
  try {
    return await ask()
  } catch (error) {
    return failed(error)
  }
}
