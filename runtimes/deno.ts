/**
 * The server as a program on Deno, also under the command that serves by itself: `deno run
 * --allow-net --allow-ffi --allow-env runtimes/deno.ts`, `deno serve` with the same. Its `serve()`
 * is that of `deno/index.ts`.
 */
import { entryOf, isProgram, main } from '../src/command/main.ts'
import { commandOr } from './deno/main.ts'
import { deno } from './deno/runtime.ts'

export * from './deno/index.ts'

export default isProgram(import.meta, 'deno') ? await commandOr(() => main(entryOf(deno))) : undefined
