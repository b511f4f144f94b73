/** The flag of `hangup serve` and `hangup gateway` that makes one server of several processes. */
import { setting } from '../policy/setting.ts'

const mostWorkers = 512

export const clusterSettings = {
  workers: setting(
    {
      value: 'number|auto',
      what: 'Processes that serve on one port; auto: one for each core. Each holds the policy for itself.',
      default: 'this process alone serves',
      accepted: `1 to ${mostWorkers}, or auto`,
    },
    (text, refuse): number | 'auto' => {
      if (text === 'auto') return text
      const count = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : 0
      return count > 0 && count <= mostWorkers ? count : refuse(`${text} is not a number of workers`)
    },
  ),
} as const
