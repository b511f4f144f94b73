/** The process's descriptors on Deno: `/proc` can be read with all permissions only, the C library with `--allow-ffi`. */
import { type Kernel, kernelDescriptors, openKernel } from '../../src/kernel/kernel.ts'
import type { Descriptors } from '../../src/lifecycle/budget.ts'
import { procDescriptors } from '../descriptors.ts'
import { loadLibc } from './libc.ts'

/** One for the process, as long as it lasts: what it counts is the process's, and every server's. */
let kernel: Kernel | null = null

export function descriptors(): Descriptors | null {
  const known = procDescriptors()
  if (known !== null) return known
  const { libc } = loadLibc()
  if (libc === null) return null
  kernel ??= openKernel(libc)
  return kernelDescriptors(kernel)
}
