/** Requests that many cases send. */
export const get = 'GET {hello} HTTP/1.1\r\nHost: {host}\r\n\r\n'
/** A body of 64 KiB that is announced and left to the steps that follow. */
export const uploadHead = 'POST {upload} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 65536\r\n\r\n'
/** One chunk of 1 KiB (RFC 9112 7.1). */
export const chunk = `400\r\n${'x'.repeat(1024)}\r\n`
