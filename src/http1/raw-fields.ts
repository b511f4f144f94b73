/** Fields as they come and go: name, value, name, value, … */

/** The value of the first field of that name, which is given in lower case; null: there is none. */
export function fieldOf(fields: readonly string[], lower: string): string | null {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    if (name.length === lower.length && name.toLowerCase() === lower) return fields[i + 1]!
  }
  return null
}
