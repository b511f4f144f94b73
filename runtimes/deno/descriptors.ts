/**
 * The process's descriptors on Deno: `/proc` can be read with all permissions only, the C library
 * with `--allow-ffi`.
 */
import { type Kernel, kernelDescriptors, openKernel } from '../../src/kernel/kernel.ts'
import type { Descriptors } from '../../src/lifecycle/descriptor-budget.ts'
import { type Files, procDescriptors } from '../descriptors.ts'
import { loadLibc } from './libc.ts'

declare const Deno: {
  readTextFileSync(path: string): string
  readDirSync(path: string): Iterable<unknown>
  statSync(path: string): { readonly size: number }
  readonly permissions: {
    querySync(what: { readonly name: 'read'; readonly path: string }): { readonly state: string }
  }
}

/** Deno asks the person at its terminal for a permission that it was not given. */
const mayRead = (): boolean => Deno.permissions.querySync({ name: 'read', path: '/proc' }).state === 'granted'

const files: Files = {
  text: (path) => Deno.readTextFileSync(path),
  entries: (path) => [...Deno.readDirSync(path)].length,
  size: (path) => Deno.statSync(path).size,
}

let kernel: Kernel | null = null

/** One for the process, as long as it lasts: what it shows is the process's, and every server's. */
export function processKernel(): Kernel | null {
  if (kernel !== null) return kernel
  const { libc } = loadLibc()
  kernel = libc && openKernel(libc)
  return kernel
}

export function descriptors(): Descriptors | null {
  const known = mayRead() ? procDescriptors(files) : null
  if (known !== null) return known
  const shown = processKernel()
  return shown && kernelDescriptors(shown)
}
