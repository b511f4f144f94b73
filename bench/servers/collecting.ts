/**
 * Loaded before a server whose memory is measured: on SIGUSR2 it collects its garbage, so that what
 * is left is what it keeps.
 */
declare const Bun: { gc(waits: boolean): void }
declare const gc: () => void

process.on('SIGUSR2', () => ('Bun' in globalThis ? Bun.gc(true) : gc()))
