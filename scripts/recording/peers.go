// Peers for the recorded examples that Node cannot play: Go's own server and client, a reader with a tiny receive buffer, and
// a link with a round trip.
//
//	peers server PORT IDLE_MS          net/http server; /slow?ms=N answers after N ms
//	peers pool URL ROUNDS              8 requests at once, ROUNDS times, through net/http's default pool of 2 idle connections
//	peers slow-reader HOST:PORT MS     asks for /large, reads nothing for MS, then everything
//	peers link ONE_WAY_MS PID          joins this network namespace (holdfast0, 10.9.0.1) to the one of PID (holdfast1, 10.9.0.2);
//	                                   the line "drop" on standard input loses every packet from then on, "pass" ends that
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	switch os.Args[1] {
	case "server":
		server(os.Args[2], number(os.Args[3]))
	case "pool":
		pool(os.Args[2], number(os.Args[3]))
	case "slow-reader":
		slowReader(os.Args[2], number(os.Args[3]))
	case "link":
		link(number(os.Args[2]), os.Args[3])
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func server(port string, idleMs int) {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if ms, err := strconv.Atoi(r.URL.Query().Get("ms")); err == nil {
			time.Sleep(time.Duration(ms) * time.Millisecond)
		}
		io.WriteString(w, "hello from go\n")
	})
	http.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "30000")
		w.Write(make([]byte, 30000))
	})
	s := &http.Server{Addr: ":" + port, IdleTimeout: time.Duration(idleMs) * time.Millisecond}
	check(s.ListenAndServe())
}

func pool(url string, rounds int) {
	for round := 0; round < rounds; round++ {
		var wait sync.WaitGroup
		for i := 0; i < 8; i++ {
			wait.Add(1)
			go func() {
				defer wait.Done()
				response, err := http.Get(url)
				check(err)
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}()
		}
		wait.Wait()
		time.Sleep(50 * time.Millisecond)
	}
}

func slowReader(address string, ms int) {
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}}
	connection, err := dialer.Dial("tcp", address)
	check(err)
	fmt.Fprintf(connection, "GET /large HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", address)
	time.Sleep(time.Duration(ms) * time.Millisecond)
	io.Copy(io.Discard, connection)
	connection.Close()
}

func link(oneWayMs int, pid string) {
	near, far := tunnel("holdfast0"), tunnel("holdfast1")
	run("ip", "link", "set", "holdfast1", "netns", pid)
	run("ip", "addr", "add", "10.9.0.1/24", "dev", "holdfast0")
	run("ip", "link", "set", "holdfast0", "up")
	run("nsenter", "-t", pid, "-n", "ip", "addr", "add", "10.9.0.2/24", "dev", "holdfast1")
	run("nsenter", "-t", pid, "-n", "ip", "link", "set", "holdfast1", "up")
	run("nsenter", "-t", pid, "-n", "ip", "link", "set", "lo", "up")
	var dropping atomic.Bool
	go forward(near, far, oneWayMs, &dropping)
	go forward(far, near, oneWayMs, &dropping)
	fmt.Println("up")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		dropping.Store(lines.Text() == "drop")
		fmt.Println(lines.Text())
	}
}

func run(name string, arguments ...string) {
	command := exec.Command(name, arguments...)
	command.Stderr = os.Stderr
	check(command.Run())
}

// tunnel opens a TUN device without packet information (linux/if_tun.h).
func tunnel(name string) *os.File {
	const iffTun, iffNoPi, tunSetIff = 0x0001, 0x1000, 0x400454ca
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR, 0)
	check(err)
	var request [40]byte
	copy(request[:15], name)
	*(*uint16)(unsafe.Pointer(&request[16])) = iffTun | iffNoPi
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), tunSetIff, uintptr(unsafe.Pointer(&request[0]))); errno != 0 {
		check(errno)
	}
	return os.NewFile(uintptr(fd), name)
}

// forward keeps the order of packets: one sleeper takes them from a queue, each with its time of departure.
func forward(from, to *os.File, oneWayMs int, dropping *atomic.Bool) {
	type packet struct {
		due  time.Time
		data []byte
	}
	queue := make(chan packet, 10000)
	go func() {
		for p := range queue {
			time.Sleep(time.Until(p.due))
			to.Write(p.data)
		}
	}()
	for {
		buffer := make([]byte, 65536)
		n, err := from.Read(buffer)
		check(err)
		if !dropping.Load() {
			queue <- packet{time.Now().Add(time.Duration(oneWayMs) * time.Millisecond), buffer[:n]}
		}
	}
}
