/** An app whose every request is a line in the log. */
export default (request: Request): Response => {
  throw new Error(`no answer to ${request.method}`)
}
