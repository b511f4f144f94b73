/** An app under `deno serve`, for its main module: `export default hangup(app)`. */
export type * from '../src/public-types.ts'
export { type DenoServe, type HangupOptions, hangup } from './deno/command.ts'
