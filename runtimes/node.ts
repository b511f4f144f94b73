/** The server as a program on Node: `node runtimes/node.ts --port 3000`. Its `serve()` is that of `node/index.ts`. */
import { isProgram, main } from '../src/command/main.ts'
import { engineOf, serve } from './node/index.ts'

export { engineOf, serve }

if (isProgram(import.meta, 'node')) await main({ runtime: 'node', serve, engineOf })
