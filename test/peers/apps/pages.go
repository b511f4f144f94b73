// The pages on net/http; the flags are http.Server's own timeouts.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"strconv"
	"time"
)

func number(r *http.Request, name string) int {
	value, _ := strconv.Atoi(r.URL.Query().Get(name))
	return value
}

func wait(r *http.Request) { time.Sleep(time.Duration(number(r, "ms")) * time.Millisecond) }

func main() {
	server := &http.Server{}
	flag.StringVar(&server.Addr, "addr", "", "host:port")
	flag.DurationVar(&server.ReadHeaderTimeout, "read-header-timeout", 0, "")
	flag.DurationVar(&server.ReadTimeout, "read-timeout", 0, "")
	flag.DurationVar(&server.WriteTimeout, "write-timeout", 0, "")
	flag.DurationVar(&server.IdleTimeout, "idle-timeout", 0, "")
	flag.Parse()

	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintln(w, "hello")
	})
	http.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		wait(r)
		fmt.Fprintln(w, "slow")
	})
	http.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "first")
		w.(http.Flusher).Flush()
		wait(r)
		fmt.Fprintln(w, "last")
	})
	http.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		size := number(r, "bytes")
		w.Header().Set("Content-Length", strconv.Itoa(size))
		chunk := make([]byte, 65536)
		for size > 0 {
			if size < len(chunk) {
				chunk = chunk[:size]
			}
			sent, err := w.Write(chunk)
			if err != nil {
				return
			}
			size -= sent
		}
	})
	http.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		size, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestTimeout)
			return
		}
		wait(r)
		fmt.Fprintln(w, size)
	})
	log.Fatal(server.ListenAndServe())
}
