/**
 * The types that a program names which serves: every library entry exports them beside its
 * `serve()`.
 */
export type { AdminOptions } from './admin/options.ts'
export type { DrainResult, Phase } from './lifecycle/drain.ts'
export type { CertificatePem, ListenTls } from './net/transport.ts'
export type { AccessEntry } from './observe/access.ts'
export type { Enforced, Enforcement } from './policy/enforcement.ts'
export type { OptionName, Policy, PolicyInput } from './policy/policy.ts'
export type { PresetName } from './policy/presets.ts'
export type { ConfigError, Problem } from './policy/problems.ts'
export type { RequestLimit, RequestLimits } from './policy/request-limits.ts'
export type {
  App,
  ConnectionsSummary,
  EngineChoice,
  Fetch,
  Running,
  ServeOptions,
  ServerAddress,
} from './serve/contract.ts'
export type { LimitsMiddleware } from './serve/limits.ts'
export type { Log, LogLine } from './serve/log.ts'
