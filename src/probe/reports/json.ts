import type { Report } from './report.ts'

/** A line for each thing in a list: small, and still to be compared with `diff`. */
export function toJson(report: Report): string {
  const fields = Object.entries(report).map(([key, value]) => {
    const list = Array.isArray(value) && value.length > 0
    const text = list ? `[\n${value.map((item) => `  ${JSON.stringify(item)}`).join(',\n')}\n ]` : JSON.stringify(value)
    return ` ${JSON.stringify(key)}: ${text}`
  })
  return `{\n${fields.join(',\n')}\n}\n`
}
