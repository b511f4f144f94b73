/**
 * wrk's scripts, written into a folder that goes with the process. Each begins its requests once
 * the server has had time to accept the connections, and says what it measured.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const folder = mkdtempSync(join(tmpdir(), 'hangup-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true }))

/** No request has the head of the one before: clients differ, and what they ask for. */
const heads = 64

/** Of the time of a run, before its first request. */
export const standstillMs = 100

/**
 * A busy server of Node's accepts one connection in a turn of its loop: if the first of 64 ask at
 * once, the last waits for 64 turns, each longer than the one before. In a run of seconds, that
 * alone is the p99. wrk asks for the request once more before it has a connection, to look at it.
 */
const standstill = `
local ffi = require("ffi")
ffi.cdef "int usleep(unsigned int us);"
local asked, texts = 0, {}
function request()
  asked = asked + 1
  if asked == 1 then return wrk.format() end
  if asked == 2 then
    local agent = wrk.headers["User-Agent"] or "wrk"
    for i = 1, ${heads} do
      wrk.headers["User-Agent"] = agent .. "/" .. i
      texts[i] = wrk.format(nil, wrk.path .. (wrk.path:find("?", 1, true) and "&" or "?") .. "one=" .. i)
    end
    ffi.C.usleep(${standstillMs * 1_000})
  end
  return texts[asked % ${heads} + 1]
end

function done(summary, latency)
  print(string.format("measured %d requests in %d us, p50 %d us, p99 %d us",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99)))
end
`

function script(name: string, text: string): string {
  const path = join(folder, `${name}.lua`)
  writeFileSync(path, `${text}${standstill}`)
  return path
}

export const get = script('get', '')

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
