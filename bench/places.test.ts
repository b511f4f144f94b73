import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placesIn } from './places.ts'

test('samples are told apart by thread and program', () => {
  const script = `
 7/7  ffffffff8205cc23 __ip_queue_xmit ([kernel.kallsyms])
 7/7  ffffffff8205cc24 do_syscall_64 ([kernel.kallsyms])
 7/7      7fe970815d18 [unknown] (/tmp/perf-7.map)
 7/7           27499bc v8::internal::Call(int) (/usr/bin/node)
 7/7      7fe970815d19 [unknown] (//anon)
 7/9  ffffffff8205cc23 futex ([kernel.kallsyms])
 7/7      7ffd61 [unknown] ([vdso])
 7/9           27499bd [unknown] (/usr/bin/node)
`
  assert.deepEqual(placesIn(script), { kernel: 0.25, program: 0.25, compiled: 0.25, beside: 0.25 })
})

test('no sample is no profile', () => assert.equal(placesIn(''), null))
