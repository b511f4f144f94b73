/** Any thrown value in one printable line: what it says, where it was made, and its causes. */

const longest = 1_000
const mostCauses = 4

/** Never throws, whatever a getter of the value does. */
export function errorLine(error: unknown): string {
  try {
    if (error === undefined) return 'undefined was thrown'
    const parts: string[] = []
    for (let at: unknown = error; at !== undefined && parts.length < mostCauses; at = (at as Error | null)?.cause) {
      parts.push(described(at))
    }
    return printable(parts.join(', caused by ')).slice(0, longest)
  } catch {
    return 'an error that can not be shown'
  }
}

function described(error: unknown): string {
  if (!(error instanceof Error))
    return `${typeof error === 'string' ? JSON.stringify(error) : String(error)} was thrown`
  const place = placeOf(error.stack)
  return `${error}${place === null ? '' : ` (${place})`}`
}

/** The first frame of the application's own code, else of any. */
function placeOf(stack: unknown): string | null {
  if (typeof stack !== 'string') return null
  const frames = stack.split('\n').filter((line) => /^\s+at |@/.test(line))
  const own = frames.find((frame) => !/node:|node_modules|ext:|\(native|<anonymous>\)?$/.test(frame)) ?? frames[0]
  return own === undefined ? null : own.trim()
}

/** A client's bytes may be in it: one line, and nothing that a terminal obeys. */
const printable = (text: string): string => text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, ' ')
