/** The server as a program on Bun: `bun runtimes/bun.ts --port 3000`. Its `serve()` is that of `bun/index.ts`. */
import { isProgram, main } from '../src/command.ts'
import { serve } from './bun/index.ts'

export { serve }

if (isProgram(import.meta, 'bun')) await main({ runtime: 'bun', serve })
