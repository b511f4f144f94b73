/**
 * Loaded before each test file: what Node makes of a source, whose types it strips, is kept for the
 * programs that a test starts. Most of a server's start is that, and the tests start hundreds.
 */
import { enableCompileCache } from 'node:module'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const variable = 'NODE_COMPILE_CACHE'
process.env[variable] ??= fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url))
enableCompileCache(process.env[variable])
