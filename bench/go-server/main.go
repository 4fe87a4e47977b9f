// The server of the bench on Go's net/http: "/" says Hello, "/large" 64 KiB, a body is read and counted. Prints its port.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func main() {
	large := bytes.Repeat([]byte("x"), 65536)
	hello := []byte("Hello")
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		if r.Method == "POST" {
			count, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, count)
		} else if r.URL.Path == "/large" {
			w.Write(large)
		} else {
			w.Write(hello)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	http.Serve(listener, handler)
}
