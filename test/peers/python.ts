/** Servers that run Python. */
import { type Peer, python } from './peer.ts'

export const gevent: Peer = {
  name: 'gevent',
  title: 'gevent.pywsgi',
  language: 'Python',
  debian: ['python3-gevent'],
  version: [python, '-c', 'import gevent; print(gevent.__version__)'],
  variants: [
    {
      name: 'stock',
      what: 'As its documentation starts it. It has no option for any limit: the problem of 2017.',
      argv: [python, '{apps}/gevent_pywsgi.py', '{port}'],
    },
    {
      name: 'timeout',
      what: 'The cure of 2017: a gevent.Timeout of 10 s around the whole handle() loop. It runs over requests as well, and pywsgi takes it for an error of the application: a 500, for which a stalled body is waited for without end.',
      argv: [python, '{apps}/gevent_pywsgi.py', '{port}', '10'],
    },
  ],
}

const gunicorn = [
  '/usr/bin/gunicorn',
  '--chdir',
  '{apps}',
  '--worker-tmp-dir',
  '/dev/shm',
  '--bind',
  '127.0.0.1:{port}',
]
const gunicornVersion = ['/usr/bin/gunicorn', '--version']
/**
 * One client holds a worker, or a thread: with fewer than the probe has connections it would wait
 * for itself.
 */
const enough = '60'

export const gunicornSync: Peer = {
  name: 'gunicorn-sync',
  title: 'gunicorn sync',
  language: 'Python',
  debian: ['gunicorn'],
  version: gunicornVersion,
  workers: true,
  variants: [
    {
      name: 'stock',
      what: `No timeout set: --timeout 30, after which a worker is ended with whatever it has in hand. With ${enough} workers, because each holds one client at a time.`,
      argv: [...gunicorn, '--preload', '--workers', enough, 'wsgi:application'],
    },
  ],
}

export const gunicornGthread: Peer = {
  name: 'gunicorn-gthread',
  title: 'gunicorn gthread',
  language: 'Python',
  debian: ['gunicorn'],
  version: gunicornVersion,
  workers: true,
  variants: [
    {
      name: 'stock',
      what: `No timeout set: --timeout 30, --keep-alive 2. With ${enough} threads, because each holds one client at a time.`,
      argv: [...gunicorn, '--worker-class', 'gthread', '--threads', enough, 'wsgi:application'],
    },
  ],
}

export const uvicorn: Peer = {
  name: 'uvicorn',
  title: 'uvicorn',
  language: 'Python',
  debian: ['uvicorn'],
  version: ['/usr/bin/uvicorn', '--version'],
  variants: [
    {
      name: 'stock',
      what: 'No timeout set: --timeout-keep-alive 5; it has no other limit.',
      argv: ['/usr/bin/uvicorn', '--app-dir', '{apps}', '--no-access-log', '--port', '{port}', 'asgi:application'],
    },
  ],
}

export const hypercorn: Peer = {
  name: 'hypercorn',
  title: 'hypercorn',
  language: 'Python',
  debian: ['python3-hypercorn'],
  version: [python, '-c', 'import importlib.metadata as m; print(m.version("hypercorn"))'],
  variants: [
    {
      name: 'stock',
      what: 'No timeout set: keep_alive_timeout 5 s, read_timeout none.',
      argv: [python, '-m', 'hypercorn', '--bind', '127.0.0.1:{port}', 'asgi:application'],
      env: { PYTHONPATH: '{apps}' },
    },
    {
      name: 'tuned',
      what: 'Besides: read_timeout 10 s.',
      source: 'hypercorn: Configuration options',
      argv: [python, '-m', 'hypercorn', '--config', '{tmp}/hypercorn.toml', 'asgi:application'],
      env: { PYTHONPATH: '{apps}' },
      files: { 'hypercorn.toml': 'bind = ["127.0.0.1:{port}"]\nread_timeout = 10\n' },
    },
  ],
}

const waitressArgv = [python, '-m', 'waitress', '--listen', '127.0.0.1:{port}', '--threads', enough]

export const waitress: Peer = {
  name: 'waitress',
  title: 'waitress',
  language: 'Python',
  debian: ['python3-waitress'],
  version: [python, '-c', 'import importlib.metadata as m; print(m.version("waitress"))'],
  variants: [
    {
      name: 'stock',
      what: `No timeout set: channel_timeout 120 s, looked for every 30 s. With ${enough} threads for the slow pages.`,
      argv: [...waitressArgv, 'wsgi:application'],
      env: { PYTHONPATH: '{apps}' },
      limitMs: 160_000,
    },
    {
      name: 'tuned',
      what: 'channel_timeout 10 s, cleanup_interval 5 s.',
      source: 'waitress: Arguments to waitress.serve',
      argv: [...waitressArgv, '--channel-timeout', '10', '--cleanup-interval', '5', 'wsgi:application'],
      env: { PYTHONPATH: '{apps}' },
    },
  ],
}

export const tornado: Peer = {
  name: 'tornado',
  title: 'tornado',
  language: 'Python',
  debian: ['python3-tornado'],
  version: [python, '-c', 'import tornado; print(tornado.version)'],
  kills: {
    'strict-chunk-size-negative':
      'a chunk of size -1 sends 6.2 into a loop without end, and nobody else is answered; 6.3.3 and later read chunk sizes strictly',
  },
  variants: [
    {
      name: 'stock',
      what: 'No timeout set: idle_connection_timeout 3600 s, which is the head’s as well; body_timeout none.',
      argv: [python, '{apps}/tornado_pages.py', '{port}'],
      later: Object.fromEntries(
        ['idle-after-response', 'silent-connect', 'partial-head', 'head-trickle'].map((id) => [
          id,
          'idle_connection_timeout is 1 h',
        ]),
      ),
    },
    {
      name: 'tuned',
      what: 'idle_connection_timeout 10 s, body_timeout 10 s (a total).',
      source: 'tornado: HTTPServer',
      argv: [python, '{apps}/tornado_pages.py', '{port}', 'idle_connection_timeout=10', 'body_timeout=10'],
    },
  ],
}
