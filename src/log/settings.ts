/** The flags and variables of logs, the same for `serve` and `gateway`. */
import { setting } from '../command/setting.ts'
import { didYouMean } from '../policy/spelling.ts'
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
} as const
