/** Runs all checks on the runtime that runs this, one line of JSON each. */
import { checks } from './check.ts'
import './headers.ts'
import './request.ts'
import './response.ts'
import './native.ts'
import './hono.ts'

const patienceMs = 10_000

for (const { name, run } of checks) {
  let error: string | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${patienceMs} ms`)), patienceMs)
    })
    await Promise.race([run(), late])
  } catch (thrown) {
    error = thrown instanceof Error ? `${thrown.message}\n${thrown.stack}` : String(thrown)
  }
  clearTimeout(timer)
  console.log(JSON.stringify({ name, error }))
}
