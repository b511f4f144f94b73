/**
 * The server as a program on Node: `node runtimes/node.ts --port 3000`. Its `serve()` is that of
 * `node/index.ts`.
 */
import { entryOf, isProgram, main } from '../src/command/main.ts'
import { node } from './node/runtime.ts'

export * from './node/index.ts'

if (isProgram(import.meta, 'node')) await main(entryOf(node))
