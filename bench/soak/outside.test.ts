import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Outcome, socketsOf, thirds, wrongOf } from './outside.ts'

const seen = { descriptors: 20, sockets: 0, bytes: 100 * 2 ** 20 }
const well: Outcome = { before: seen, after: seen, lost: 0, errors: 0, ended: null }

test('a server that is as it was before has nothing wrong', () => {
  assert.deepEqual(wrongOf(well), [])
  assert.deepEqual(wrongOf({ ...well, after: { ...seen, descriptors: 18, bytes: 120 * 2 ** 20 } }), [])
})

test('one descriptor, one socket or one lost response is enough', () => {
  assert.deepEqual(wrongOf({ ...well, after: { ...seen, descriptors: 21 } }), ['1 descriptors more than before'])
  assert.deepEqual(wrongOf({ ...well, after: { ...seen, sockets: 1 } }), ['1 sockets are left'])
  assert.deepEqual(wrongOf({ ...well, lost: 1, errors: 2, ended: 'SIGSEGV' }), [
    'ended: SIGSEGV',
    '1 lost',
    '2 errors in its log',
  ])
})

test('memory that grew by a quarter is wrong', () => {
  assert.deepEqual(wrongOf({ ...well, after: { ...seen, bytes: 125 * 2 ** 20 } }), ['25 MB more than before'])
})

test('sockets of the port count, but those that listen, wait for the kernel, or are another port’s', () => {
  const row = (local: string, remote: string, state: string) =>
    `   0: 0100007F:${local} 0100007F:${remote} ${state} 00000000:00000000 00:00000000 00000000     0 0 1 1`
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    row('0BB8', '0000', '0A'),
    row('0BB8', 'C001', '01'),
    row('0BB8', 'C002', '08'),
    row('0BB8', 'C003', '06'),
    row('C001', '0BB8', '01'),
    row('1F90', 'C004', '01'),
  ].join('\n')
  assert.equal(socketsOf(3000, table), 2)
})

test('memory is compared from the first third to the last, where there are enough samples', () => {
  assert.equal(thirds([1, 2, 3, 4, 5, 6, 7, 8]), null)
  assert.deepEqual(thirds([10, 90, 11, 12, 13, 14, 20, 21, 22]), [11, 21])
})
