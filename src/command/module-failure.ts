/** What a module that failed to load says for itself. Each runtime tells it in another way. */

/**
 * The error in one line, and what helps where Node took the file for something else. Deno's goes on
 * with the place, which `failureDetail` tells.
 */
export function failureLine(error: unknown): string {
  const line = String(error).split('\n', 1)[0]!
  const help = helpFor(error, line)
  return help === null ? line : `${line}: ${help}`
}

function helpFor(error: unknown, line: string): string | null {
  const [, extension] = /Unknown file extension "\.(\w+)"/.exec(line) ?? []
  if (extension !== undefined && /^[jt]sx$/.test(extension))
    return 'Bun and Deno run JSX; for Node build it to .js first'
  if (extension !== undefined && /^[cm]?ts$/.test(extension)) {
    return 'TypeScript runs on Node 22.18 or later, Bun and Deno; for this Node build it to .js first'
  }
  const isEsm = /Cannot use import statement outside a module|Unexpected token 'export'/.test(line)
  // In an ES module the same words are about something else.
  if (isEsm && /node:internal\/modules\/cjs\//.test((error as Error).stack ?? '')) {
    return 'it is an ES module in a package of CommonJS; npm pkg set type=module changes that'
  }
  return null
}

/** Bun's BuildMessage has no stack, only this. */
interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly lineText: string
}

const ours = new URL('.', import.meta.url)

/**
 * Where it failed: the error's stack without the frames of the runtime, and of us who loaded it,
 * which no user can mend.
 */
export function failureDetail(error: Error): string {
  const { position } = error as { position?: Position | null }
  if (position) {
    const { file, line, column, lineText } = position
    return `${file}:${line}:${column}\n${lineText}\n${' '.repeat(Math.max(0, column - 1))}^`
  }
  const lines = (error.stack ?? String(error)).split('\n')
  const loader = lines.findIndex((line) => isFrame(line) && (line.includes(ours.href) || line.includes(ours.pathname)))
  return (loader < 0 ? lines : lines.slice(0, loader)).filter((line) => !isRuntimes(line)).join('\n')
}

const isFrame = (line: string): boolean => /^\s+at /.test(line)
const isRuntimes = (line: string): boolean => isFrame(line) && /[( ](node|ext):/.test(line)
