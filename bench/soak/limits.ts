/** The limits of every server and gateway of a soak: short, so that each closes connections all the time. */
export const soakLimits = {
  idleTimeoutMs: '3s',
  headTimeoutMs: '4s',
  bodyTimeoutMs: '4s',
  writeTimeoutMs: '8s',
  maxConnectionAgeMs: '20s',
} as const
