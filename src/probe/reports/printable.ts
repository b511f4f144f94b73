/**
 * Text of which a part may come from a server: it must not steer a terminal, nor end a document.
 */

/**
 * Control characters as their pictures (U+2400), halves of surrogate pairs and non-characters as
 * U+FFFD.
 */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\x00-\x08\x0b-\x1f]/g, (character) => String.fromCharCode(0x2400 + character.charCodeAt(0)))
    .replace(/\x7f/g, '\u2421')
    .replace(/[\x80-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g, '\ufffd')
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** For text and for quoted attributes, in HTML and in XML. */
export const escaped = (text: string): string =>
  printable(text).replace(/[&<>"']/g, (character) => entities[character] ?? '')
