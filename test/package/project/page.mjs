/** What `hangup serve --app` serves. */
export default { fetch: () => new Response('a page') }
