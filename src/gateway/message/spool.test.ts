import assert from 'node:assert/strict'
import { mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openNameless, Spool, SpoolFullError, type SpoolHandle } from './spool.ts'

const bytes = (length: number, of = 1) => new Uint8Array(length).fill(of)

async function inFolder(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'hangup-spool-'))
  try {
    await run(dir)
  } finally {
    await rm(dir, { recursive: true })
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 500, 'it never came about')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

test('what was appended is read from any position', () =>
  inFolder(async (dir) => {
    const file = new Spool({ dir, maxBytes: 1_000 }).file()
    await file.append([bytes(3, 1), bytes(2, 2)])
    await file.append([bytes(4, 3)])
    assert.equal(file.size, 9)
    assert.deepEqual([...(await file.read(2, 100))], [1, 2, 2, 3, 3, 3, 3])
    assert.deepEqual([...(await file.read(4, 2))], [2, 3])
    file.close()
  }))

test('a file has no name, and nobody else may read it', () =>
  inFolder(async (dir) => {
    const modes: number[] = []
    const file = new Spool({ dir, maxBytes: 1_000 }).file()
    await file.append([bytes(1)])
    assert.deepEqual(await readdir(dir), [])
    file.close()
    const handle = await openNameless(dir, async (path) => {
      modes.push((await stat(path)).mode & 0o777)
      await assert.rejects(open(path, 'wx'), { code: 'EEXIST' })
      await rm(path)
    })
    await handle.close()
    assert.deepEqual(modes, [0o600])
  }))

test('where the name of an open file can’t go, it goes with the file', () =>
  inFolder(async (dir) => {
    let tries = 0
    const handle = await openNameless(dir, async (path) => {
      tries += 1
      if (tries === 1) throw Object.assign(new Error('busy'), { code: 'EBUSY' })
      await rm(path)
    })
    assert.equal((await readdir(dir)).length, 1)
    await handle.writev([bytes(3)], 0)
    assert.equal((await handle.read(bytes(3), 0, 3, 0)).bytesRead, 3)
    await handle.close()
    assert.deepEqual(await readdir(dir), [])
  }))

test('all files share one limit, and give back what they had', () =>
  inFolder(async (dir) => {
    const spool = new Spool({ dir, maxBytes: 10 })
    const [one, other] = [spool.file(), spool.file()]
    await one.append([bytes(6)])
    await assert.rejects(
      other.append([bytes(5)]),
      (error) => error instanceof SpoolFullError && /10 bytes/.test(error.message),
    )
    await other.append([bytes(4)])
    assert.equal(spool.usedBytes, 10)
    one.close()
    await until(() => spool.usedBytes === 4)
    await other.append([bytes(6)])
    other.close()
    await until(() => spool.usedBytes === 0)
  }))

/** A disk that takes so much, a bit at each write. */
function smallDisk(roomBytes: number): { open(): Promise<SpoolHandle>; readonly closed: number } {
  const content = new Uint8Array(roomBytes)
  let closed = 0
  return {
    async open() {
      return {
        async writev(pieces, position) {
          const piece = pieces.find(({ length }) => length > 0) ?? bytes(0)
          const room = Math.min(piece.length, 3, roomBytes - position)
          if (room === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
          content.set(piece.subarray(0, room), position)
          return { bytesWritten: room }
        },
        async read(into, offset, length, position) {
          into.set(content.subarray(position, position + length), offset)
          return { bytesRead: length }
        },
        async close() {
          closed += 1
        },
      }
    },
    get closed() {
      return closed
    },
  }
}

test('short writes are completed', async () => {
  const disk = smallDisk(100)
  const file = new Spool({ dir: null, maxBytes: 1_000 }, disk.open).file()
  await file.append([bytes(4, 1), bytes(1, 2), bytes(7, 3)])
  assert.deepEqual([...(await file.read(0, 100))], [1, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3, 3])
  file.close()
  assert.equal(disk.closed, 1)
})

test('a full disk is a SpoolFullError with the system’s word; what was written before can be read', async () => {
  const disk = smallDisk(10)
  const spool = new Spool({ dir: null, maxBytes: 1_000 }, disk.open)
  const file = spool.file()
  await file.append([bytes(8)])
  await assert.rejects(file.append([bytes(8)]), (error) => {
    assert.ok(error instanceof SpoolFullError)
    assert.equal(error.code, 'SPOOL_FULL')
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ENOSPC')
    return true
  })
  assert.equal(spool.usedBytes, 8)
  assert.equal((await file.read(0, 100)).length, 8)
  await file.append([bytes(2)])
  assert.equal(file.size, 10)
  file.close()
  await until(() => spool.usedBytes === 0)
})

test('a file that can’t be made is a SpoolFullError, and check() names the option', async () => {
  const spool = new Spool({ dir: '/nowhere/at/all', maxBytes: 1_000 })
  await assert.rejects(spool.file().append([bytes(1)]), (error) => error instanceof SpoolFullError)
  assert.equal(spool.usedBytes, 0)
  await assert.rejects(
    spool.check(),
    /^ConfigError: spoolDir \/nowhere\/at\/all: .*ENOENT.*; accepted: a folder that can be written to/,
  )
  await inFolder(async (dir) => {
    await new Spool({ dir, maxBytes: 1_000 }).check()
    assert.deepEqual(await readdir(dir), [])
  })
})

test('a file that is closed while it is written or read ends both, then gives back its room', async () => {
  const disk = smallDisk(100)
  const spool = new Spool({ dir: null, maxBytes: 1_000 }, disk.open)
  const file = spool.file()
  await file.append([bytes(6)])
  const [writing, reading] = [file.append([bytes(9)]), file.read(0, 6)]
  file.close()
  assert.equal(disk.closed, 0)
  await writing
  assert.equal((await reading).length, 6)
  await until(() => spool.usedBytes === 0)
  assert.equal(disk.closed, 1)
  await assert.rejects(file.append([bytes(1)]), SpoolFullError)
  await assert.rejects(file.read(0, 1), /closed/)
})

test('a folder in memory is known for one', { skip: process.platform !== 'linux' }, async (t) => {
  const isTmpfs = (await readFile('/proc/mounts', 'utf8')).includes(' /dev/shm tmpfs ')
  if (isTmpfs) assert.equal(new Spool({ dir: '/dev/shm', maxBytes: 1 }).inMemory, true)
  else t.diagnostic('no tmpfs at /dev/shm')
  assert.equal(new Spool({ dir: '/proc', maxBytes: 1 }).inMemory, false)
  assert.equal(new Spool({ dir: '/nowhere', maxBytes: 1 }).inMemory, false)
})
