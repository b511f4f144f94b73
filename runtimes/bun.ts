/**
 * The server as a program on Bun: `bun runtimes/bun.ts --port 3000`. Its `serve()` is that of
 * `bun/index.ts`.
 */
import { entryOf, isProgram, main } from '../src/command/main.ts'
import { bun } from './bun/runtime.ts'

export * from './bun/index.ts'

if (isProgram(import.meta, 'bun')) await main(entryOf(bun))
