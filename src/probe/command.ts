/** `hangup probe`: the suite against any server. */
import type { Host } from '../command.ts'

export async function probeCommand(_argv: readonly string[], _host: Host): Promise<void> {}
