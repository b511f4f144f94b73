/** srvx with nothing but a port. */
import { argv } from 'node:process'
import { serve } from 'srvx'
import { pages } from './fetch.ts'

serve({ hostname: '127.0.0.1', port: Number(argv[2]), fetch: pages, silent: true })
