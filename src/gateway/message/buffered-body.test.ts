import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BodySource } from '../../http1/web/payload.ts'
import { BufferedBody } from './buffered-body.ts'
import { Spool, SpoolFullError, type SpoolHandle } from './spool.ts'

/** A disk in memory that takes its time and fails when it is told to. */
class Disk {
  /** Of the coming operations. */
  faults: string[] = []
  files = 0
  closed = 0
  #waiting: (() => void)[] = []
  /** Operations wait for `step()`. */
  held = false

  readonly open = async (): Promise<SpoolHandle> => {
    await this.#turn()
    this.files += 1
    let content = new Uint8Array(0)
    return {
      writev: async (pieces, position) => {
        await this.#turn()
        const bytes = Buffer.concat(pieces)
        if (position + bytes.length > content.length) {
          const longer = new Uint8Array(position + bytes.length)
          longer.set(content)
          content = longer
        }
        content.set(bytes, position)
        return { bytesWritten: bytes.length }
      },
      read: async (into, offset, length, position) => {
        await this.#turn()
        const some = content.subarray(position, position + length)
        into.set(some, offset)
        return { bytesRead: some.length }
      },
      close: async () => {
        this.closed += 1
      },
    }
  }

  async #turn(): Promise<void> {
    if (this.held) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else await Promise.resolve()
    const code = this.faults.shift()
    if (code) throw Object.assign(new Error(code), { code })
  }

  step(): void {
    this.#waiting.shift()?.()
  }

  free(): void {
    this.held = false
    for (const go of this.#waiting.splice(0)) go()
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Byte i is i mod 251, so that order and place are seen. */
function counted(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (from + i) % 251)
}

function checkCounted(bytes: Uint8Array, from: number): void {
  for (let i = 0; i < bytes.length; i++)
    if (bytes[i] !== (from + i) % 251) assert.fail(`byte ${from + i} is ${bytes[i]}`)
}

async function readAll(source: BodySource): Promise<number> {
  let length = 0
  for (let piece = await source.read(); piece !== null; piece = await source.read()) {
    checkCounted(piece, length)
    length += piece.length
  }
  return length
}

function sourceOf(length: number, pieceBytes: number, trailers: readonly string[] = []): BodySource {
  let at = 0
  return {
    async read() {
      if (at === length) return null
      const piece = counted(at, Math.min(pieceBytes, length - at))
      at += piece.length
      return piece
    },
    cancel() {},
    trailers,
  }
}

const onDisk = (disk: Disk, maxBytes = Number.POSITIVE_INFINITY) => new Spool({ dir: null, maxBytes }, disk.open)

test('a body that fits in memory never sees the disk', async () => {
  const disk = new Disk()
  const body = new BufferedBody({ spool: onDisk(disk), memoryBytes: 1_000, bodyBytes: 10_000 })
  for (let at = 0; at < 1_000; at += 100) assert.equal(body.push(counted(at, 100)), true)
  assert.equal(body.length, -1)
  body.end(['X-Sum', '1'])
  assert.equal(body.length, 1_000)
  await settle()
  assert.equal(await readAll(body), 1_000)
  assert.deepEqual(body.trailers, ['X-Sum', '1'])
  assert.equal(disk.files, 0)
})

test('push() copies: what it was given may change after the call', async () => {
  const body = new BufferedBody({ spool: null, memoryBytes: 1_000, bodyBytes: 0 })
  const scratch = Buffer.from(counted(0, 10))
  body.push(scratch)
  scratch.fill(255)
  assert.deepEqual(await body.read(), Buffer.from(counted(0, 10)))
  const waiting = body.read()
  scratch.set(counted(10, 10))
  body.push(scratch)
  scratch.fill(255)
  assert.deepEqual(await waiting, Buffer.from(counted(10, 10)))
})

test('without a spool the writer waits at the limit, and hears once when there is room', async () => {
  let rooms = 0
  const body = new BufferedBody({ spool: null, memoryBytes: 40_000, bodyBytes: 1e9, onRoom: () => rooms++ })
  let at = 0
  const push = () => {
    const went = body.push(counted(at, 10_000))
    at += 10_000
    return went
  }
  assert.deepEqual([push(), push(), push(), push(), push()], [true, true, true, true, false])
  await body.read()
  assert.equal(rooms, 0)
  await body.read()
  assert.equal(rooms, 1)
  await body.read()
  assert.equal(rooms, 1)
  body.end()
  assert.equal(await body.read().then((piece) => piece?.length), 10_000)
})

test('a writer that has ended is not called any more', async () => {
  let rooms = 0
  const body = new BufferedBody({ spool: null, memoryBytes: 10, bodyBytes: 0, onRoom: () => rooms++ })
  assert.equal(body.push(counted(0, 100)), false)
  body.end()
  assert.equal(await readAll(body), 100)
  assert.equal(rooms, 0)
})

test('above memory it goes to the spool while it is read, and the spool is free afterwards', async () => {
  const disk = new Disk()
  const spool = onDisk(disk)
  let room = Promise.withResolvers<void>()
  const body = new BufferedBody({ spool, memoryBytes: 64_000, bodyBytes: 2_000_000, onRoom: () => room.resolve() })
  for (let at = 0; at < 1_000_000; at += 10_000) {
    if (!body.push(counted(at, 10_000))) {
      await room.promise
      room = Promise.withResolvers()
    }
    assert.ok(body.heldBytes <= 74_000)
  }
  body.end()
  assert.ok(spool.usedBytes > 900_000)
  assert.equal(await readAll(body), 1_000_000)
  await settle()
  assert.equal(spool.usedBytes, 0)
  assert.equal(disk.files, 1)
  assert.equal(disk.closed, 1)
})

test('what is on the spool is bounded: above it the writer waits for the reader', async () => {
  const disk = new Disk()
  const spool = onDisk(disk)
  let rooms = 0
  const body = new BufferedBody({ spool, memoryBytes: 1_000, bodyBytes: 5_000, onRoom: () => rooms++ })
  let at = 0
  const pushUntilFull = async () => {
    for (let tries = 0; tries < 3; tries++) {
      while (body.push(counted(at, 100))) at += 100
      at += 100
      await settle()
    }
  }
  await pushUntilFull()
  assert.ok(spool.usedBytes <= 5_000 && spool.usedBytes > 0)
  // A full file is one that is read to its end before there is another.
  for (let done = 0; done < 20_000; ) {
    const piece = await body.read()
    checkCounted(piece!, done)
    done += piece!.length
    await pushUntilFull()
    assert.ok(spool.usedBytes <= 5_000)
  }
  assert.ok(rooms > 1)
  body.cancel(new Error('enough'))
  await settle()
  assert.equal(spool.usedBytes, 0)
  assert.equal(disk.closed, disk.files)
})

test('a full disk makes the writer of an answer wait; nothing is lost', async () => {
  for (const faults of [['EMFILE'], ['', 'ENOSPC'], ['', '', 'ENOSPC', 'ENOSPC']]) {
    const disk = new Disk()
    disk.faults = faults
    const spool = onDisk(disk)
    let full = false
    const body = new BufferedBody({
      spool,
      memoryBytes: 1_000,
      bodyBytes: 1e9,
      onRoom: () => {
        full = false
      },
    })
    let done = 0
    for (let at = 0; at < 20_000; ) {
      if (!full) {
        full = !body.push(counted(at, 100))
        at += 100
      } else if (body.heldBytes > 750) {
        const piece = await body.read()
        checkCounted(piece!, done)
        done += piece!.length
      }
      await settle()
    }
    body.end()
    for (let piece = await body.read(); piece !== null; piece = await body.read()) {
      checkCounted(piece, done)
      done += piece.length
    }
    assert.equal(done, 20_000)
    assert.ok(disk.files > 0)
    await settle()
    assert.equal(spool.usedBytes, 0)
  }
})

test('what comes while a write fails is in its place behind it', async () => {
  const disk = new Disk()
  const body = new BufferedBody({ spool: onDisk(disk), memoryBytes: 1_000, bodyBytes: 1e9 })
  body.push(counted(0, 600))
  body.push(counted(600, 600))
  await settle()
  disk.held = true
  disk.faults = ['ENOSPC']
  assert.equal(body.push(counted(1_200, 300)), true)
  assert.equal(body.push(counted(1_500, 200)), true)
  disk.free()
  await settle()
  body.end()
  assert.equal(await readAll(body), 1_700)
})

test('a spool that can’t be read any more ends both sides', async () => {
  const disk = new Disk()
  let cancelled = 0
  const spool = onDisk(disk)
  const body = new BufferedBody({ spool, memoryBytes: 0, bodyBytes: 1e9, onCancel: () => cancelled++ })
  body.push(counted(0, 10))
  await settle()
  disk.faults = ['EIO']
  await assert.rejects(body.read(), { code: 'EIO' })
  assert.equal(cancelled, 1)
  await assert.rejects(body.read(), { code: 'EIO' })
  await settle()
  assert.equal(spool.usedBytes, 0)
})

test('what came before a failure is read before it', async () => {
  const disk = new Disk()
  const body = new BufferedBody({ spool: onDisk(disk), memoryBytes: 100, bodyBytes: 1e9 })
  for (let at = 0; at < 500; at += 50) {
    body.push(counted(at, 50))
    await settle()
  }
  body.fail(new Error('cut short'))
  let done = 0
  await assert.rejects(async () => {
    for (;;) done += (await body.read())!.length
  }, /cut short/)
  assert.equal(done, 500)
})

test('a reader that goes tells the writer, if it still writes', async () => {
  for (const [ends, calls] of [
    [(_: BufferedBody) => {}, 1],
    [(body: BufferedBody) => body.end(), 0],
    [(body: BufferedBody) => body.fail(new Error('cut')), 0],
  ] as const) {
    let cancelled = 0
    const body = new BufferedBody({ spool: null, memoryBytes: 100, bodyBytes: 0, onCancel: () => cancelled++ })
    body.push(counted(0, 10))
    ends(body)
    body.cancel('gone')
    body.cancel('gone')
    assert.equal(cancelled, calls)
    assert.equal(body.heldBytes, 0)
    assert.equal(body.push(counted(0, 10)), true)
    assert.equal(body.heldBytes, 0)
    await assert.rejects(body.read())
  }
})

test('many small pieces are few arrays', async () => {
  const body = new BufferedBody({ spool: null, memoryBytes: 100_000, bodyBytes: 0 })
  for (let at = 0; at < 50_000; at++) body.push(counted(at, 1))
  body.end()
  let reads = 0
  let done = 0
  for (let piece = await body.read(); piece !== null; piece = await body.read()) {
    checkCounted(piece, done)
    done += piece.length
    reads += 1
  }
  assert.equal(done, 50_000)
  assert.ok(reads < 10, `${reads} arrays`)
})

for (const [where, length, memoryBytes] of [
  ['in memory', 10_000, 10_000],
  ['on the spool', 300_000, 10_000],
  ['all on the spool', 1_000, 0],
] as const) {
  test(`a request taken in whole (${where}) is read as often as it is sent`, async () => {
    const disk = new Disk()
    const spool = onDisk(disk)
    const body = new BufferedBody({ spool, memoryBytes, bodyBytes: Number.POSITIVE_INFINITY })
    await body.takeIn(sourceOf(length, 700, ['X-Sum', '1']))
    assert.equal(body.length, length)
    assert.ok(body.heldBytes <= memoryBytes + 700)
    assert.equal(spool.usedBytes > 0, length > memoryBytes)
    assert.equal(await readAll(body.reader()), length)
    const broken = body.reader()
    await broken.read()
    broken.cancel(new Error('the upstream broke off'))
    const again = body.reader()
    assert.equal(await readAll(again), length)
    assert.deepEqual(again.trailers, ['X-Sum', '1'])
    body.release()
    body.release()
    await assert.rejects(again.read(), /released/)
    await settle()
    assert.equal(spool.usedBytes, 0)
    assert.equal(disk.closed, disk.files)
  })
}

test('a request without room is a SpoolFullError', async () => {
  const disk = new Disk()
  const cases: [Spool | null, string[]][] = [
    [null, []],
    [onDisk(disk, 20_000), []],
    [onDisk(disk), ['', '', '', ...Array(1_000).fill('ENOSPC')]],
    [onDisk(disk), Array(1_000).fill('EMFILE')],
  ]
  for (const [spool, faults] of cases) {
    disk.faults = [...faults]
    const body = new BufferedBody({ spool, memoryBytes: 10_000, bodyBytes: Number.POSITIVE_INFINITY })
    await assert.rejects(body.takeIn(sourceOf(100_000, 700)), (error) => error instanceof SpoolFullError)
    body.release()
    await settle()
    assert.equal(spool?.usedBytes ?? 0, 0)
  }
  assert.equal(disk.closed, disk.files)
})

test('a request that breaks off, or is let go meanwhile, rejects', async () => {
  const spool = onDisk(new Disk())
  const options = { spool, memoryBytes: 1_000, bodyBytes: Number.POSITIVE_INFINITY }
  const breaking = sourceOf(100_000, 700)
  let reads = 0
  const body = new BufferedBody(options)
  const read = () => (++reads > 50 ? Promise.reject(new Error('the client is gone')) : breaking.read())
  await assert.rejects(body.takeIn({ read, cancel() {} }), /client is gone/)
  body.release()

  const disk = new Disk()
  disk.held = true
  const other = new BufferedBody({ ...options, spool: onDisk(disk) })
  const taken = assert.rejects(other.takeIn(sourceOf(100_000, 700)), /released/)
  await settle()
  other.release()
  disk.free()
  await taken

  // The end comes after the release, with a write still under way.
  const last = new BufferedBody({ ...options, spool: onDisk(disk) })
  const pieces = [counted(0, 700), counted(700, 700), counted(1_400, 300)]
  const end = Promise.withResolvers<null>()
  const source = {
    async read() {
      disk.held = pieces.length === 1
      return pieces.shift() ?? end.promise
    },
    cancel() {},
  }
  const ended = assert.rejects(last.takeIn(source), /released/)
  await settle()
  assert.equal(pieces.length, 0)
  last.release()
  end.resolve(null)
  await ended
  disk.free()
  await settle()
  assert.equal(spool.usedBytes, 0)
  assert.equal(disk.closed, disk.files)
})

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('push' as const), bytes: fc.nat(60) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('read' as const, 'step' as const, 'turn' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fault' as const), code: fc.constantFrom('ENOSPC', '') }) },
)
const script = fc.record({
  steps: fc.array(step, { maxLength: 80 }),
  end: fc.constantFrom('end' as const, 'fail' as const, 'cancel' as const),
  memoryBytes: fc.nat(200),
  bodyBytes: fc.constantFrom(0, 100, 1_000, 1e9),
  maxBytes: fc.constantFrom(0, 150, 1e9),
  spooled: fc.boolean(),
})

test('in any order of events the reader gets exactly the bytes, memory is bounded, the spool is free in the end', async () => {
  await fc.assert(
    fc.asyncProperty(script, async ({ steps, end, memoryBytes, bodyBytes, maxBytes, spooled }) => {
      const disk = new Disk()
      disk.held = true
      const spool = spooled ? onDisk(disk, maxBytes) : null
      let full = false
      let cancels = 0
      const held = { heldBytes: 0 }
      const body = new BufferedBody({
        spool,
        held,
        memoryBytes,
        bodyBytes,
        onRoom() {
          assert.ok(full, 'room where there was room')
          assert.ok(body.heldBytes <= memoryBytes)
          full = false
        },
        onCancel: () => cancels++,
      })
      let pushed = 0
      let read = 0
      let ended = false
      let reading: Promise<void> | null = null
      let failed: unknown = null
      const begin = () => {
        reading ??= body
          .read()
          .then(
            (piece) => {
              if (piece === null) ended = true
              else {
                checkCounted(piece, read)
                read += piece.length
              }
            },
            (error) => {
              failed = error
            },
          )
          .then(() => {
            reading = null
          })
      }
      for (const each of steps) {
        if (each.do === 'push' && !full) {
          full = !body.push(counted(pushed, each.bytes))
          pushed += each.bytes
        } else if (each.do === 'read') begin()
        else if (each.do === 'step') disk.step()
        else if (each.do === 'turn') await settle()
        // A read that fails is another test's: a fault meets a write only where nothing is being
        // read.
        else if (each.do === 'fault' && reading === null && read === 0) disk.faults = [each.code]
        assert.ok(body.heldBytes <= memoryBytes + 60, `${body.heldBytes} bytes in memory`)
        assert.equal(held.heldBytes, body.heldBytes)
        assert.ok((spool?.usedBytes ?? 0) <= Math.min(maxBytes, bodyBytes))
        assert.ok(read <= pushed)
      }
      disk.faults = []
      if (end === 'cancel') body.cancel(new Error('cancelled'))
      else if (end === 'fail') body.fail(new Error('failed'))
      else body.end()
      disk.free()
      for (let turns = 0; !ended && failed === null; turns++) {
        assert.ok(turns < 1_000, 'the reader waits for ever')
        begin()
        await settle()
      }
      assert.equal((failed as Error | null)?.message ?? 'end', { end: 'end', fail: 'failed', cancel: 'cancelled' }[end])
      if (end !== 'cancel') assert.equal(read, pushed)
      assert.equal(cancels, end === 'cancel' ? 1 : 0)
      assert.equal(body.heldBytes, 0)
      await settle()
      await settle()
      assert.equal(spool?.usedBytes ?? 0, 0)
      assert.equal(held.heldBytes, 0)
      assert.equal(disk.closed, disk.files)
    }),
    { numRuns: 300 },
  )
})

test('a writer that waits always hears again, however slowly it is read', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        memoryBytes: fc.nat(200),
        bodyBytes: fc.nat(600),
        maxBytes: fc.nat(600),
        spooled: fc.boolean(),
        pieceBytes: fc.integer({ min: 1, max: 150 }),
      }),
      async ({ memoryBytes, bodyBytes, maxBytes, spooled, pieceBytes }) => {
        const spool = spooled ? onDisk(new Disk(), maxBytes) : null
        let full = false
        const body = new BufferedBody({
          spool,
          memoryBytes,
          bodyBytes,
          onRoom: () => {
            full = false
          },
        })
        let pushed = 0
        let read = 0
        for (let turns = 0; pushed < 5_000; turns++) {
          assert.ok(turns < 20_000, 'the writer waits for ever')
          while (!full && pushed < 5_000) {
            full = !body.push(counted(pushed, pieceBytes))
            pushed += pieceBytes
          }
          const piece = await body.read()
          checkCounted(piece!, read)
          read += piece!.length
        }
        body.end()
        for (let piece = await body.read(); piece !== null; piece = await body.read()) {
          checkCounted(piece, read)
          read += piece.length
        }
        assert.equal(read, pushed)
      },
    ),
    { numRuns: 100 },
  )
})
