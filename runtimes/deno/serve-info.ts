/** What `Deno.serve` hands over with a request. */
export interface ServeInfo {
  readonly remoteAddr: { readonly hostname: string; readonly port: number }
  /** The answer is with the kernel's side of Deno; rejects when the client went. */
  readonly completed: Promise<void>
}
