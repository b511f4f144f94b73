/** What the handlers of cases saw, for the client to ask. */

/** How often the application was asked, by path. */
export const asked = new Map<string, number>()

const journal = new Map<string, string[]>()

/** `/tcp/signal-aborted/more?x` → `/tcp/signal-aborted` */
export const pathOf = (url: string): string => new URL(url).pathname.split('/').slice(0, 3).join('/')

export function note({ url }: { readonly url: string }, text: string): void {
  const path = pathOf(url)
  const notes = journal.get(path)
  if (notes === undefined) journal.set(path, [text])
  else notes.push(text)
}

export const notesOf = (path: string): readonly string[] => journal.get(path) ?? []
