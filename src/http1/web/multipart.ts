/**
 * FormData as multipart/form-data (HTML 4.10.21.8, RFC 7578), as a Blob: files stay where they are
 * and the length is known.
 */

const CRLF = '\r\n'

export function multipart(form: FormData): Blob {
  const boundary = `----hangup${crypto.randomUUID().replaceAll('-', '')}`
  const parts: (string | Blob)[] = []
  for (const [name, value] of form) {
    parts.push(`--${boundary}${CRLF}Content-Disposition: form-data; name="${escaped(lineEnds(name))}"`)
    if (typeof value === 'string') parts.push(CRLF, CRLF, lineEnds(value), CRLF)
    else {
      const type = value.type || 'application/octet-stream'
      parts.push(`; filename="${escaped(value.name)}"${CRLF}Content-Type: ${type}${CRLF}${CRLF}`, value, CRLF)
    }
  }
  parts.push(`--${boundary}--${CRLF}`)
  return new Blob(parts, { type: `multipart/form-data; boundary=${boundary}` })
}

function lineEnds(text: string): string {
  return text.replace(/\r\n|\r|\n/g, CRLF)
}

function escaped(name: string): string {
  return name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22')
}
