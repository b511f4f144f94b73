/** Which error one is, for code that catches it. Apart from the texts of `codes.ts`. */
import type { Coded, ErrorCode } from './codes.ts'

/** Two copies of a package have two classes: the code is what stays. */
export const hasCode = <C extends ErrorCode>(error: unknown, code: C): error is Error & Coded<C> =>
  error instanceof Error && (error as Partial<Coded>).code === code
