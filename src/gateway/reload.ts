/** Reload: a new configuration replaces the old one while everything goes on. */
import process from 'node:process'
import type { Clock } from '../lifecycle/clock.ts'
import { optionNames, optionSpecs } from '../policy/policy.ts'
import { format } from '../policy/units.ts'
import type { Log } from '../serve/log.ts'
import { placeOf } from './config/report.ts'
import type { GatewayPlan } from './config/resolve.ts'
import type { ListenerPlan } from './downstream/listeners.ts'
import { FileWatch } from './watch.ts'

export interface ReloadParts {
  /** Reads everything again; rejects with what is wrong. */
  load(): Promise<GatewayPlan>
  /** Runs by that plan from now on. Returns a line for each part of it that needs a restart. */
  apply(plan: GatewayPlan): readonly string[]
  readonly log: Log
  readonly clock: Clock
  /** The text of an error for a user. */
  explain(error: unknown): string
  readonly process?: Pick<NodeJS.Process, 'on' | 'off'>
}

/**
 * Reloads on SIGHUP and when a file of the plan has changed. Resolves, when the files are watched,
 * to a function that ends that.
 */
export async function keepReloading(first: GatewayPlan, parts: ReloadParts): Promise<() => void> {
  const { load, apply, log, clock, explain } = parts
  const on = parts.process ?? process
  let wanted = false
  let busy = false
  let ended = false

  const watch = new FileWatch(
    clock,
    () => void reload(),
    (folder, why) =>
      log({
        level: 'warn',
        code: 'WATCH_FAILED',
        message: `cannot watch ${folder} for changes (${why}); send SIGHUP to reload`,
        count: 1,
      }),
  )
  const onSighup = () => void reload()
  try {
    on.on('SIGHUP', onSighup)
  } catch (error) {
    log({ level: 'info', code: 'SIGNAL_UNAVAILABLE', message: `SIGHUP cannot be handled: ${error}`, count: 1 })
  }
  await watch.follow(first.files)

  return () => {
    ended = true
    on.off('SIGHUP', onSighup)
    watch.close()
  }

  /** One reload at a time; requests meanwhile become one more. */
  async function reload(): Promise<void> {
    wanted = true
    if (busy) return
    busy = true
    while (wanted && !ended) {
      wanted = false
      await once()
    }
    busy = false
  }

  async function once(): Promise<void> {
    await watch.mark()
    try {
      const plan = await load()
      if (ended) return
      const kept = takeOver(first, plan, apply)
      const { routes, groups } = plan.config
      const message = `reloaded ${plan.from ?? 'what flags name'}: ${count(routes.length, 'route')}, ${count(Object.keys(groups).length, 'group')}`
      log({ level: 'info', code: 'RELOADED', message, count: 1 })
      for (const line of kept) log({ level: 'warn', code: 'NEEDS_RESTART', message: line, count: 1 })
      for (const line of plan.notes) log({ level: 'warn', code: 'CONFIG_NOTE', message: line, count: 1 })
      await watch.follow(plan.files)
    } catch (error) {
      const message = `reload refused, the gateway goes on as before: ${explain(error)}`
      log({ level: 'error', code: 'RELOAD_REFUSED', message, count: 1 })
    }
  }
}

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`

/**
 * Applies what a running gateway can take over; returns a line for each part that needs a restart.
 */
export function takeOver(first: GatewayPlan, next: GatewayPlan, apply: ReloadParts['apply']): readonly string[] {
  // Redirects lead to the listener that is there.
  const { redirectToPort } = first.config
  return [...needsRestart(first, next), ...apply({ ...next, config: { ...next.config, redirectToPort } })]
}

/** A line for each difference that a running listener can't take over. */
export function needsRestart(before: GatewayPlan, after: GatewayPlan): string[] {
  const lines: string[] = []
  const changed = (what: string, from: string, to: string) => {
    if (from !== to) lines.push(`${what}: ${to} needs a restart; ${from} stays`)
  }
  for (const listener of after.listeners) {
    const old = before.listeners.find(({ name }) => name === listener.name)
    if (old === undefined) lines.push(`${listener.name}: the new listener ${placeOf(listener)} needs a restart`)
    else {
      changed(listener.name, placeOf(old), placeOf(listener))
      changed(`${listener.name}.http2`, String(old.http2), String(listener.http2))
      changed(`${listener.name}: engine`, old.engine, listener.engine)
      changed(`${listener.name}.proxyProtocol`, announcedBy(old), announcedBy(listener))
    }
  }
  for (const { name } of before.listeners) {
    if (after.listeners.every((listener) => listener.name !== name))
      lines.push(`${name}: the listener stays until a restart`)
  }
  for (const name of optionNames) {
    const { kind } = optionSpecs[name]
    changed(name, format(kind, before.resolved.policy[name]), format(kind, after.resolved.policy[name]))
  }
  changed('redirectToPort', String(before.config.redirectToPort), String(after.config.redirectToPort))
  changed('spoolDir', String(before.config.spool.dir), String(after.config.spool.dir))
  changed('spoolMaxBytes', format('bytes', before.config.spool.maxBytes), format('bytes', after.config.spool.maxBytes))
  return lines
}

const announcedBy = ({ proxyProtocol }: ListenerPlan): string =>
  proxyProtocol === null ? 'off' : `${proxyProtocol.trust.join(', ')} (others: ${proxyProtocol.others})`
