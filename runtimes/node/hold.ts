/**
 * What Node has instead of not accepting. libuv accepts one connection in a turn of its loop
 * (uv__server_io() of src/unix/stream.c), nothing that is documented makes it stop and go on
 * (`maxConnections` accepts and drops, `close()` resets all that wait), and without a free
 * descriptor it accepts all that wait and closes them (uv__emfile_trick() there). So while no
 * newcomer can be taken a turn takes a little longer, and those that are there speak, are answered
 * and go, before the next one comes. All else is later by as much: it is held no more than half of
 * the time, and whoever comes too fast even so is turned away before the last descriptor is used.
 */
const holdMs = 2
/** A burst may use what was saved up. */
const savedMostMs = 2_000
const share = 0.5
const never = new Int32Array(new SharedArrayBuffer(4))
let savedMs = savedMostMs
let countedAt = 0

export function holdAccept(now = () => performance.now(), wait = waitFor): void {
  const at = now()
  savedMs = Math.min(savedMs + (at - countedAt) * share, savedMostMs)
  countedAt = at
  if (savedMs < holdMs) return
  savedMs -= holdMs
  wait(holdMs)
}

function waitFor(ms: number): void {
  Atomics.wait(never, 0, 0, ms)
}
