/**
 * The one part of workerd's own module that is used here; the whole of it is
 * @cloudflare/workers-types.
 */
declare module 'cloudflare:workers' {
  export const env: Readonly<Record<string, unknown>>
}
