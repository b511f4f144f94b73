/** The limits of a gateway's other side, its upstreams. In the unit of the name; 0 is off. */
export const upstreamOptionNames = [
  'upstreamConnectTimeoutMs',
  'upstreamFirstByteTimeoutMs',
  'upstreamReadTimeoutMs',
  'upstreamIdleTimeoutMs',
  'upstreamMaxConnections',
  'upstreamMaxQueued',
  'upstreamQueueTimeoutMs',
  'upstreamMaxRequestsPerConnection',
  'upstreamMaxConnectionAgeMs',
  'upstreamRetries',
  'upstreamRetryBudgetPercent',
  'abortGraceMs',
  'upgradedIdleTimeoutMs',
  'bufferMemoryBytes',
  'spoolBodyBytes',
  'spoolMaxBytes',
] as const
export type UpstreamOptionName = (typeof upstreamOptionNames)[number]
export type UpstreamOptions = Readonly<Record<UpstreamOptionName, number>>
