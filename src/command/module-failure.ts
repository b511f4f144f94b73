/** What a module that failed to load says for itself. Each runtime tells it in another way. */

/** The error in one line. Deno's goes on with the place, which `failureDetail` tells. */
export const failureLine = (error: unknown): string => String(error).split('\n', 1)[0]!

/** Bun's BuildMessage has no stack, only this. */
interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly lineText: string
}

const ours = new URL('.', import.meta.url)

/** Where it failed: the error's stack without the frames of the runtime, and of us who loaded it, which no user can mend. */
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
