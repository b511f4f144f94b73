/** What a command says of an error that ends it. */
import { type ErrorCode, errorCodes } from '../policy/codes.ts'
import { isConfigError } from '../policy/problems.ts'
import { failureDetail } from './module-failure.ts'

/** What the user or the machine did needs no stack; what a module or the program did does. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, syscall } = error as NodeJS.ErrnoException
  if (isConfigError(error)) {
    const { cause } = error
    const ownFault = cause instanceof Error && (cause as NodeJS.ErrnoException).syscall === undefined
    return ownFault ? `${error.message}\n${failureDetail(cause)}` : error.message
  }
  // An address that can't be had: see listenError.
  if (syscall === 'listen' || isOutside(code)) return error.message
  return error.stack ?? error.message
}

const isOutside = (code = ''): boolean =>
  Object.hasOwn(errorCodes, code) && ['configuration', 'machine'].includes(errorCodes[code as ErrorCode].fault)
