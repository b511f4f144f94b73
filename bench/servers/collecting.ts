/**
 * Loaded before a server whose memory is measured: on SIGUSR2 it collects its garbage, so that what
 * is left is what it keeps.
 */
declare const Bun: { gc(waits: boolean): void }
declare const gc: (how: object) => void

/** V8 gives memory back only where it believes that none is left. */
const all = { type: 'major', execution: 'sync', flavor: 'last-resort' } as const

process.on('SIGUSR2', () => ('Bun' in globalThis ? Bun.gc(true) : gc(all)))
