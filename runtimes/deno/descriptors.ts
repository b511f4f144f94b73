/**
 * The process's descriptors on Deno: `/proc` can be read with all permissions only, the C library
 * with `--allow-ffi`.
 */
import process from 'node:process'
import { type Kernel, kernelDescriptors, openKernel } from '../../src/kernel/kernel.ts'
import type { Descriptors } from '../../src/lifecycle/descriptor-budget.ts'
import { procDescriptors } from '../descriptors.ts'
import { loadLibc } from './libc.ts'

declare const Deno: {
  readonly permissions: {
    querySync(what: { readonly name: 'read'; readonly path: string }): { readonly state: string }
  }
}

/** Deno asks the person at its terminal for a permission that it was not given. */
const mayRead = (): boolean => Deno.permissions.querySync({ name: 'read', path: '/proc' }).state === 'granted'

let kernel: Kernel | null = null

/** One for the process, as long as it lasts: what it shows is the process's, and every server's. */
export function processKernel(): Kernel | null {
  if (kernel !== null) return kernel
  const { libc } = loadLibc()
  kernel = libc && openKernel(libc)
  return kernel
}

export function descriptors(): Descriptors | null {
  const known = mayRead() ? procDescriptors(process.getBuiltinModule('node:fs')) : null
  if (known !== null) return known
  const shown = processKernel()
  return shown && kernelDescriptors(shown)
}
