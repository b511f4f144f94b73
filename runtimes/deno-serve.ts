/** An app under `deno serve`, for its main module: `export default hangup(app)`. */
export { type DenoServe, type HangupOptions, hangup } from './deno/command.ts'
