/** Text for a terminal of so many columns. */

/** The widths at which lines are still read with ease. */
export const readable = (columns: number): number => Math.min(Math.max(columns, 60), 120)

export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

/** Rows as aligned columns; what does not fit the width is cut off with an ellipsis. */
export function table(rows: readonly (readonly string[])[], width: number): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => {
    const line = `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()
    return line.length > width ? `${line.slice(0, width - 1)}…` : line
  })
}
