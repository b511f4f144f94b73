/** Whether memory stays flat: the hangup engine's resident size over a million requests. `npm run bench:memory -- [--runtime node]` */
import { parseArgs } from 'node:util'
import { contenders, runtimes } from './contenders.ts'
import { chosen } from './flags.ts'
import { during, residentBytes } from './process.ts'
import { loadFor, requireTools } from './wrk.ts'

const { values } = parseArgs({ options: { runtime: { type: 'string', default: runtimes.join() } } })
const chosenRuntimes = chosen('runtime', values.runtime, runtimes)
const marks = [100_000, 400_000, 700_000, 1_000_000]

await requireTools()
console.log(`| runtime | ${marks.map((mark) => `MB after ${mark.toLocaleString('en')}`).join(' | ')} |`)
console.log(`| --- | ${marks.map(() => '---').join(' | ')} |`)
for (const runtime of chosenRuntimes) {
  const ours = contenders[runtime].find(({ name }) => name.includes('hangup engine'))!
  const sizes = await during(ours, async (server) => {
    const megabytes: number[] = []
    let done = 0
    while (megabytes.length < marks.length) {
      // Throws when the server is gone or answers anything but 2xx.
      done += (await loadFor(server, { path: '/async', connections: 64 }, 1)).requests
      while (megabytes.length < marks.length && done >= marks[megabytes.length]!) {
        megabytes.push(Math.round(residentBytes(server.child.pid!) / 2 ** 20))
      }
    }
    return megabytes
  })
  console.log(`| ${runtime} | ${sizes.join(' | ')} |`)
}
