/** The process's descriptors on Deno: `/proc` can be read with all permissions only, the C library with `--allow-ffi`. */
import { kernelDescriptors, openKernel } from '../../src/kernel/kernel.ts'
import type { Descriptors } from '../../src/lifecycle/budget.ts'
import { procDescriptors } from '../descriptors.ts'
import { loadLibc } from './libc.ts'

export function descriptors(): Descriptors | null {
  const known = procDescriptors()
  if (known !== null) return known
  const { libc } = loadLibc()
  return libc === null ? null : kernelDescriptors(openKernel(libc))
}
