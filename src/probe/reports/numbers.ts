/** Numbers for people. */

/** `3.2 ms`, `480 ms`, `5.02 s`, `1 m 15 s`: three digits say enough. */
export function time(ms: number): string {
  const size = Math.abs(ms)
  if (size < 9.95) return `${trim(ms.toFixed(1))} ms`
  if (size < 999.5) return `${ms.toFixed(0)} ms`
  if (size < 9_995) return `${trim(seconds(ms, 2))} s`
  if (size < 99_950) return `${trim(seconds(ms, 1))} s`
  const whole = Math.round(size / 1000)
  const rest = whole % 60
  return `${ms < 0 ? '-' : ''}${Math.floor(whole / 60)} m${rest === 0 ? '' : ` ${rest} s`}`
}

const seconds = (ms: number, digits: number) => (ms / 1000).toFixed(digits)
const trim = (digits: string) => digits.replace(/\.?0+$/, '')

const sizes = ['B', 'kB', 'MB', 'GB']

/** `40 B`, `16 MB`: powers of 1024, as everywhere in hangup. */
export function bytes(count: number): string {
  const power = count < 1024 ? 0 : Math.min(sizes.length - 1, Math.floor(Math.log2(count) / 10))
  const value = count / 1024 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : trim(value.toFixed(1))} ${sizes[power]}`
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

/** `1.95 – 2.4 s`: a unit that both ends have is said once. */
export function range(fromMs: number, toMs: number): string {
  const [from, to] = [time(fromMs), time(toMs)]
  const unit = / (ms|s)$/.exec(to)?.[0]
  return `${unit && from.endsWith(unit) ? from.slice(0, -unit.length) : from} – ${to}`
}

/** Looks that agree to a tenth of a second are one number. */
export function spanOf(fromMs: number | null, toMs: number | null): string {
  const [from, to] = [fromMs ?? 0, toMs ?? 0]
  return to - from < 100 ? time(from) : range(from, to)
}
