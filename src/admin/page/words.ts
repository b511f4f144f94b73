/** Numbers as people read them. */

const grouped = new Intl.NumberFormat('en-US')

export const countText = (count: number): string => grouped.format(count)

const prefixes = ['B', 'kB', 'MB', 'GB', 'TB'] as const

export function bytesText(bytes: number): string {
  let power = 0
  let value = bytes
  while (value >= 999.5 && power < prefixes.length - 1) {
    value /= 1_000
    power += 1
  }
  return `${power > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${prefixes[power]}`
}

/** The two largest units of it, which is as exact as a limit is. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return both(minutes, 'min', seconds % 60, 's')
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? both(hours, 'h', minutes % 60, 'min') : both(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

const both = (large: number, unit: string, small: number, smaller: string): string =>
  small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smaller}`

/** Time of day in UTC, as the log has it. */
export const timeText = (date: number): string => new Date(date).toISOString().slice(11, 19)
