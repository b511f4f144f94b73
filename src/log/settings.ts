/** The flags and variables of logs, the same for `serve` and `gateway`. */
import { onOff, type Read, setting } from '../policy/setting.ts'
import { didYouMean } from '../policy/spelling.ts'
import { type AccessForm, accessForms } from './access-forms.ts'
import { type LogForm, logForms } from './forms.ts'

export const logSettings = {
  log: setting(
    {
      value: logForms.join('|'),
      what: 'Form of the log on standard error: lines to read, or JSON with timestamps.',
      default: 'text on a terminal, else json',
      accepted: logForms.join(', '),
    },
    (text, refuse): LogForm =>
      logForms.find((form) => form === text) ?? refuse(`${text} is not a form of the log${didYouMean(text, logForms)}`),
  ),
  accessLog: setting(
    {
      value: accessForms.join('|'),
      what: 'Writes a line for each response, and in json and w3c one for each end of a connection, with its cause.',
      default: 'off; json without a value',
      accepted: accessForms.join(', '),
      bare: 'json',
    },
    (text, refuse): AccessForm =>
      accessForms.find((form) => form === text) ??
      refuse(`${text} is not a form of the access log${didYouMean(text, accessForms)}`),
  ),
  accessLogFile: setting(
    {
      value: 'file',
      what: 'Where the access log is appended to; opened anew at SIGHUP and SIGUSR1, for rotation.',
      default: 'standard output',
      accepted: 'a path to a file',
    },
    (text) => text,
  ),
  accessLogQuery: onOff('The access log shows queries, which may hold secrets.'),
} as const

export type LogSettings = Read<typeof logSettings>
