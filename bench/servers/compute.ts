/** An application whose requests cost a millisecond or two of CPU: the same work each time. */
const rounds = 1_000_000

export default {
  fetch(): Response {
    let value = 1
    for (let round = 0; round < rounds; round++) value = (Math.imul(value, 1_103_515_245) + 12_345) | 0
    return new Response(`${value}\n`)
  },
}
