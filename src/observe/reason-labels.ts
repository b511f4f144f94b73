/**
 * Why a connection ended, as metrics say it: beside its phase, so that an idle limit is `idle`,
 * `timeout`.
 */
import type { otherCauses, Why } from '../lifecycle/cause.ts'
import { type ReasonName, reasons } from '../lifecycle/reasons.ts'

const others: Readonly<Record<keyof typeof otherCauses, string>> = {
  fin: 'fin',
  reset: 'reset',
  left: 'left',
  vanished: 'vanished',
  last: 'last-response',
  malformed: 'malformed',
  surplus: 'surplus',
  application: 'application',
  fault: 'fault',
  operator: 'operator',
}

export const reasonLabels: Readonly<Record<Why, string>> = {
  ...(Object.fromEntries(Object.entries(reasons).map(([name, { label }]) => [name, label])) as Record<
    ReasonName,
    string
  >),
  ...others,
}
