/**
 * wrk's scripts for requests that are more than a GET, written into a folder that goes with the
 * process.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const folder = mkdtempSync(join(tmpdir(), 'hangup-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true }))

function script(name: string, text: string): string {
  const path = join(folder, `${name}.lua`)
  writeFileSync(path, text)
  return path
}

export const post10KB = script('post', `wrk.method = "POST"\nwrk.body = string.rep("x", 10240)\n`)

/** What a browser sends to an API; wrk adds Host. */
const apiFields = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0.0.0 Safari/537.36',
  Accept: 'application/json',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Accept-Language': 'en-GB,en;q=0.9,de;q=0.8',
  Authorization: 'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
  Cookie: 'session=5f2b6c0e9d7a4b1c8e3f; theme=dark; consent=1',
  Origin: 'https://app.example.com',
  Referer: 'https://app.example.com/orders',
  'X-Request-Id': '0c9f2a4e-6a51-4a35-9c25-3f1e5b7d8a90',
  'X-Forwarded-For': '203.0.113.7',
  'Cache-Control': 'no-cache',
} as const satisfies Readonly<Record<string, string>>

export const api = script(
  'api',
  Object.entries(apiFields)
    .map(([name, value]) => `wrk.headers["${name}"] = "${value}"\n`)
    .join(''),
)
