/** What Bun does wrong whatever the policy says; measured on Bun 1.4.5. */
import type { Deviation } from '../../src/serve/runtime.ts'

export const deviations: readonly Deviation[] = [
  {
    what: 'two or more pipelined requests to an asynchronous handler get no answer',
    source: 'bun#38128',
    losesRequests: true,
  },
]
