/** Whether a configuration is one, without a start: a test of it in one line. */
import process from 'node:process'
import { ConfigError, type Problem } from '../policy/problems.ts'
import { planOf } from './config/read.ts'
import type { GatewayFile } from './config/schema.ts'

/**
 * What is wrong with a configuration, each problem by its path; empty: a gateway could start with
 * it. Reads the files that it names (certificates, error pages) and opens no port.
 */
export async function problemsOf(config: GatewayFile | string, folder = process.cwd()): Promise<readonly Problem[]> {
  try {
    await planOf(config, folder)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}
