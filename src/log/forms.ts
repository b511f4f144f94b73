/** How an event is written: a line for a person, or one JSON object for a program. */
import type { LogLine } from '../serve/log.ts'

export const logForms = ['text', 'json'] as const
export type LogForm = (typeof logForms)[number]

export const textLine = ({ level, code, message, count }: LogLine): string =>
  `hangup: ${level === 'info' ? '' : `${level}: `}${message}${count > 1 ? ` (${count} times)` : ''} [${code}]`

/** `date`: ms since 1970. */
export const jsonLine = ({ level, code, message, count }: LogLine, date: number): string =>
  JSON.stringify({ time: new Date(date).toISOString(), level, code, message, count })
