/** The forms of a report, and where they go. */
import { writeFile } from 'node:fs/promises'
import { ConfigError, problem } from '../../policy/problems.ts'
import { flagOf } from '../../policy/spelling.ts'
import type { Report } from './report.ts'

/** What each flag writes; what is not asked for is not loaded. */
const forms = {
  json: async (report: Report) => (await import('./json.ts')).toJson(report),
  junit: async (report: Report) => (await import('./junit.ts')).toJUnit(report),
  html: async (report: Report) => (await import('./html.ts')).toHtml(report),
} as const
export type Form = keyof typeof forms
export const formNames = Object.keys(forms) as readonly Form[]

/**
 * Throws a `ConfigError` that names every file that can't be written; the others are. `-`: to
 * `print`.
 */
export async function save(
  report: Report,
  files: Readonly<Partial<Record<Form, string>>>,
  print: (text: string) => void,
): Promise<void> {
  const problems = []
  for (const form of formNames) {
    const file = files[form]
    if (file === undefined) continue
    const text = await forms[form](report)
    if (file === '-') print(text)
    else {
      try {
        await writeFile(file, text)
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? String(error)
        problems.push(problem(flagOf(form), file, `it cannot be written (${code})`, ''))
      }
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
}
