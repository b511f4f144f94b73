# The pages of a peer that speaks Rack.
require 'uri'

CHUNK = ('x' * 65_536).freeze

def whole(status, text)
  [status, { 'Content-Type' => 'text/plain', 'Content-Length' => text.bytesize.to_s }, [text]]
end

def stream(seconds)
  Enumerator.new do |parts|
    parts << "first\n"
    sleep seconds
    parts << "last\n"
  end
end

def large(size)
  Enumerator.new do |parts|
    while size.positive?
      part = size < CHUNK.bytesize ? CHUNK[0, size] : CHUNK
      parts << part
      size -= part.bytesize
    end
  end
end

run(lambda do |env|
  query = URI.decode_www_form(env['QUERY_STRING']).to_h
  seconds = query.fetch('ms', '0').to_i / 1000.0
  case env['PATH_INFO']
  when '/' then whole(200, "hello\n")
  when '/slow'
    sleep seconds
    whole(200, "slow\n")
  when '/stream' then [200, { 'Content-Type' => 'text/plain' }, stream(seconds)]
  when '/large'
    size = query['bytes'].to_i
    [200, { 'Content-Type' => 'application/octet-stream', 'Content-Length' => size.to_s }, large(size)]
  when '/upload'
    size = 0
    while (part = env['rack.input'].read(65_536))
      size += part.bytesize
    end
    sleep seconds
    whole(200, "#{size}\n")
  else whole(404, "no such page\n")
  end
end)
