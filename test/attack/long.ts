/**
 * The attacks for about a minute on each engine and gateway: `npm run attack`. Arguments: patterns
 * of test names, to run only those.
 */
import process from 'node:process'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

process.env['ATTACK'] = 'long'
process.env['ATTACK_SEED'] ??= String(Date.now() % 1e9)
console.log(`ATTACK_SEED=${process.env['ATTACK_SEED']}`)

const names = process.argv.slice(2)
run({
  files: ['clients.test.ts', 'lying-backend.test.ts'].map((name) => fileURLToPath(new URL(name, import.meta.url))),
  concurrency: false,
  ...(names.length > 0 && { testNamePatterns: names }),
})
  .on('test:fail', ({ details, nesting }) => {
    if (details.type !== 'suite' || nesting > 0) process.exitCode = 1
  })
  .compose(spec)
  .pipe(process.stdout)
