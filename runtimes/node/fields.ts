/** Fields as a record, which is what `node:http2` takes. */

/** name, value, …: lines of one name are joined (RFC 9110 5.3), which cookies can't be. */
export function recordOf(fields: readonly string[]): Record<string, string | string[]> {
  const record: Record<string, string | string[]> = Object.create(null)
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase()
    const value = fields[i + 1]!
    const before = record[name]
    if (before === undefined) record[name] = value
    else if (name === 'set-cookie') record[name] = [before, value].flat()
    else record[name] = `${before}, ${value}`
  }
  return record
}
