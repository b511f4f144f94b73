import { pages } from './fetch.ts'

export default { fetch: pages }
