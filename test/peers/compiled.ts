/** Servers that run Go, Java and Ruby. */
import type { Peer } from './peer.ts'

export const go: Peer = {
  name: 'go',
  title: 'Go net/http',
  language: 'Go',
  debian: ['golang-go'],
  version: ['/usr/bin/go', 'version'],
  build: ['/usr/bin/go', 'build', '-o', '{tmp}/pages', '{apps}/pages.go'],
  variants: [
    { name: 'stock', what: 'http.Server without any timeout.', argv: ['{tmp}/pages', '-addr', '127.0.0.1:{port}'] },
    {
      name: 'tuned',
      what: 'ReadTimeout 5 s, WriteTimeout 10 s, IdleTimeout 120 s; the first two are totals.',
      source: 'Cloudflare: So you want to expose Go on the Internet',
      argv: [
        ...['{tmp}/pages', '-addr', '127.0.0.1:{port}'],
        ...['-read-timeout', '5s', '-write-timeout', '10s', '-idle-timeout', '120s'],
      ],
      limitMs: 135_000,
    },
    {
      name: 'head-only',
      what: 'ReadHeaderTimeout 5 s, IdleTimeout 60 s: what limits waiting and no request.',
      source: 'gosec G112; Go: net/http, Server',
      argv: ['{tmp}/pages', '-addr', '127.0.0.1:{port}', '-read-header-timeout', '5s', '-idle-timeout', '60s'],
    },
  ],
}

const jars = (names: readonly string[]) => names.map((name) => `/usr/share/java/${name}.jar`).join(':')
const jettyJars = jars([
  ...['server', 'servlet', 'security', 'util', 'http', 'io'].map((name) => `jetty9-${name}`),
  'servlet-api',
])
const tomcatJars = jars(
  [
    ...['catalina', 'coyote', 'api', 'annotations-api', 'juli', 'jni', 'util', 'util-scan', 'jaspic-api'],
    ...['servlet-api', 'el-api', 'jsp-api', 'jasper', 'jasper-el'],
  ].map((name) => `tomcat9-${name}`),
)
const java = (classpath: string) => ['/usr/bin/java', '-Xmx512m', '-cp', `{tmp}:${classpath}`]
const javac = (classpath: string, main: string) => [
  ...['/usr/bin/javac', '-d', '{tmp}', '-cp', classpath],
  ...['{apps}/Pages.java', `{apps}/${main}.java`],
]

export const jetty: Peer = {
  name: 'jetty',
  title: 'Jetty',
  language: 'Java',
  debian: ['libjetty9-java', 'default-jdk-headless'],
  version: [
    ...['/usr/bin/java', '-Dorg.eclipse.jetty.util.log.announce=false', '-cp', jettyJars],
    'org.eclipse.jetty.server.Server',
  ],
  build: javac(jettyJars, 'JettyPages'),
  variants: [
    {
      name: 'stock',
      what: 'Embedded, no timeout set: idleTimeout 30 s.',
      argv: [...java(jettyJars), 'JettyPages', '{port}'],
    },
    {
      name: 'tuned',
      what: 'Besides: minRequestDataRate 1024 B/s.',
      source: 'Jetty: HttpConfiguration.setMinRequestDataRate',
      argv: [...java(jettyJars), 'JettyPages', '{port}', '1024'],
    },
  ],
}

export const tomcat: Peer = {
  name: 'tomcat',
  title: 'Tomcat',
  language: 'Java',
  debian: ['libtomcat9-java', 'default-jdk-headless'],
  version: ['/usr/bin/java', '-cp', tomcatJars, 'org.apache.catalina.util.ServerInfo'],
  build: javac(tomcatJars, 'TomcatPages'),
  variants: [
    {
      name: 'stock',
      what: 'Embedded, no timeout set: connectionTimeout 60 s, keepAliveTimeout the same; of a body it is waited for twice.',
      argv: [...java(tomcatJars), 'TomcatPages', '{tmp}', '{port}'],
      limitMs: 135_000,
    },
    {
      name: 'server.xml',
      what: 'connectionTimeout 20 s, as in the server.xml that it is shipped with.',
      source: 'Tomcat: conf/server.xml',
      argv: [...java(tomcatJars), 'TomcatPages', '{tmp}', '{port}', 'connectionTimeout=20000'],
    },
  ],
}

export const puma: Peer = {
  name: 'puma',
  title: 'puma',
  language: 'Ruby',
  debian: ['puma'],
  version: ['/usr/bin/puma', '--version'],
  variants: [
    {
      name: 'stock',
      what: 'No timeout set: persistent_timeout 20 s, first_data_timeout 30 s. With 60 threads for the slow pages.',
      argv: ['/usr/bin/puma', '--bind', 'tcp://127.0.0.1:{port}', '--threads', '60:60', '{apps}/pages.ru'],
    },
  ],
}
