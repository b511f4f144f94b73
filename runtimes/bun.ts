/** The server as a program on Bun: `bun runtimes/bun.ts --port 3000`. Its `serve()` is that of `bun/index.ts`. */
import { isProgram, main } from '../src/command/main.ts'
import { engineOf, serve } from './bun/index.ts'

export { engineOf, serve }

if (isProgram(import.meta, 'bun')) await main({ runtime: 'bun', serve, engineOf })
