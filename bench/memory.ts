/** Whether memory stays flat: the hangup engine's resident size over a million requests. `npm run bench:memory -- [--runtime node]` */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { requireTools, start } from './compare.ts'
import { contenders, type Runtime, runtimes } from './contenders.ts'

const { values } = parseArgs({ options: { runtime: { type: 'string', default: runtimes.join() } } })
const marks = [100_000, 400_000, 700_000, 1_000_000]

const megabytes = (pid: number) =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)

await requireTools()
console.log(`| runtime | ${marks.map((mark) => `MB after ${mark.toLocaleString('en')}`).join(' | ')} |`)
console.log(`| --- | ${marks.map(() => '---').join(' | ')} |`)
for (const runtime of values.runtime.split(',') as Runtime[]) {
  const ours = contenders[runtime].find(({ name }) => name.includes('hangup engine'))!
  const { port, child } = await start(ours)
  const sizes: number[] = []
  let done = 0
  while (sizes.length < marks.length) {
    const out = execFileSync('wrk', ['-t1', '-c64', '-d1s', `http://127.0.0.1:${port}/async`], { encoding: 'utf8' })
    done += Number(/(\d+) requests in/.exec(out)?.[1] ?? 0)
    while (sizes.length < marks.length && done >= marks[sizes.length]!) sizes.push(megabytes(child.pid!))
  }
  console.log(`| ${runtime} | ${sizes.join(' | ')} |`)
  child.kill('SIGKILL')
}
