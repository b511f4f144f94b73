/** Files as bodies: Bun's `Blob`s do not say whether their bytes are in one. */
import type { Files } from '../../src/serve/runtime.ts'

declare const Bun: { inspect(value: unknown, options: { depth: number }): string }

/** A `Bun.file()` has a name without being a `File`, and a file of S3 is somebody else's answer. */
const holds = (blob: Blob): boolean =>
  (blob as { name?: unknown }).name !== undefined && !(blob instanceof File) && Number.isSafeInteger(blob.size)

export const files: Files = {
  holds,
  behind(response) {
    // What is printed of a Response is all that tells without making a stream of the body.
    if (response.bodyUsed || !/^ {2}FileRef /m.test(Bun.inspect(response, { depth: 2 }))) return null
    return response.blob()
  },
}
