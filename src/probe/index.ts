/**
 * The probe as a library: `probe()` and the forms of its report, the cases and their words. It
 * starts nothing, prints nothing and never ends the process.
 */
export { ConfigError } from '../policy/problems.ts'
export type { Case } from './case.ts'
export type { CaseInput } from './case-file.ts'
export { cases } from './cases/index.ts'
export { UnreachableError } from './client/destination.ts'
export { redIn, type Verdict } from './judge/verdict.ts'
export { type ProbeOptions, probe } from './probe.ts'
export { toHtml } from './reports/html.ts'
export { toJson } from './reports/json.ts'
export { toJUnit } from './reports/junit.ts'
export { type Cell, type Limit, merged, type Report, type ReportCase, readReport } from './reports/report.ts'
export { toText } from './reports/text.ts'
export type { CaseRun } from './run.ts'
export type { PathName, Span } from './terms.ts'
export type { Step } from './words/index.ts'
