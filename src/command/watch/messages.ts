/**
 * What a watching command and the server that it started say to each other, over the channel
 * between their processes.
 */

/** To the server. */
export type Order = 'listen' | 'leave'

/** From the server. `loaded`: its app is there, and it waits for `listen`. */
export type Word = 'loaded' | { readonly listensOn: number | null }

/**
 * Set for a server that is watched: the port that the one before had, or nothing. Not HANGUP_: no
 * setting of anybody's.
 */
export const watchedVariable = '_WATCHED_BY_HANGUP'
