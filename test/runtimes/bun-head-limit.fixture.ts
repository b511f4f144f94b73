/**
 * Servers of Bun's own, one after the other in one process, with these options: `…fixture.ts
 * '[{…},…]'`. Prints what each answers to heads of 6 KB and of 20 KB.
 */
import { serve } from '../../runtimes/bun/index.ts'

const answers: number[] = []
for (const options of JSON.parse(process.argv[2]!)) {
  const running = await serve(() => new Response('hello'), { port: 0, host: '127.0.0.1', engine: 'native', ...options })
  for (const bytes of [6_000, 20_000]) {
    const { status } = await fetch(running.url, { headers: { 'x-long': 'x'.repeat(bytes), connection: 'close' } })
    answers.push(status)
  }
  await running.kill()
}
console.log(answers.join())
process.exit(0)
