/** `hangup compare`: cases × servers. */
import type { Host } from '../command.ts'

export async function compareCommand(_argv: readonly string[], _host: Host): Promise<void> {}
