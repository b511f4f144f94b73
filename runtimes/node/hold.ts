/**
 * What Node has instead of not accepting: libuv accepts one connection in a turn of its loop (uv__server_io() of
 * src/unix/stream.c), nothing makes it stop, and without a free descriptor it accepts all that wait and closes them
 * (uv__emfile_trick() there). So while no newcomer can be taken a turn takes a little longer, and those that are there
 * speak, are answered and go, before the next one comes.
 */
const holdMs = 2
const never = new Int32Array(new SharedArrayBuffer(4))

export function holdAccept(): void {
  Atomics.wait(never, 0, 0, holdMs)
}
