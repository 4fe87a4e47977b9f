// Peers for the recorded examples that Node cannot play: Go's own server and client, a reader with a tiny receive buffer, and
// a link with a round trip.
//
//	peers server PORT IDLE_MS [CERTIFICATE KEY]   net/http server, with TLS; /slow?ms=N answers after N ms
//	peers graceful PORT IDLE_MS        the same, and on SIGTERM it shuts down as net/http advises
//	peers pool URL ROUNDS IDLE         8 requests at once, ROUNDS times, through a pool of IDLE idle connections a host (net/http: 2)
//	peers gaps URL MS…                 a request, then another after each gap, through net/http's default pool
//	peers unread URL ROUNDS            closes the body of each response without reading it
//	peers client-each URL ROUNDS MS    a new http.Client for each request, MS apart, all of which keep their connection
//	peers slow-reader HOST:PORT MS     asks for /large, reads nothing for MS, then everything
//	peers link ONE_WAY_MS PID          joins this network namespace (holdfast0, 10.9.0.1) to the one of PID (holdfast1, 10.9.0.2);
//	                                   the line "drop" on standard input loses every packet from then on, "pass" ends that,
//	                                   "reset" forges a reset from the far side for the newest connection
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
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
		server(os.Args[2], number(os.Args[3]), false, os.Args[4:])
	case "graceful":
		server(os.Args[2], number(os.Args[3]), true, nil)
	case "pool":
		pool(os.Args[2], number(os.Args[3]), number(os.Args[4]))
	case "gaps":
		gaps(os.Args[2], os.Args[3:])
	case "unread":
		unread(os.Args[2], number(os.Args[3]))
	case "client-each":
		clientEach(os.Args[2], number(os.Args[3]), number(os.Args[4]))
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

func server(port string, idleMs int, graceful bool, tls []string) {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if ms, err := strconv.Atoi(r.URL.Query().Get("ms")); err == nil {
			time.Sleep(time.Duration(ms) * time.Millisecond)
		}
		io.WriteString(w, "hello from go\n")
	})
	http.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		length, err := strconv.Atoi(r.URL.Query().Get("bytes"))
		if err != nil {
			length = 30000
		}
		w.Header().Set("Content-Length", strconv.Itoa(length))
		w.Write(make([]byte, length))
	})
	http.HandleFunc("/reset", func(w http.ResponseWriter, r *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		check(err)
		io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
		time.Sleep(300 * time.Millisecond)
		connection.(*net.TCPConn).SetLinger(0)
		connection.Close()
	})
	s := &http.Server{Addr: ":" + port, IdleTimeout: time.Duration(idleMs) * time.Millisecond}
	if len(tls) == 2 {
		check(s.ListenAndServeTLS(tls[0], tls[1]))
	}
	if !graceful {
		check(s.ListenAndServe())
	}
	stopped := make(chan bool)
	go func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		<-signals
		s.Shutdown(context.Background())
		stopped <- true
	}()
	s.ListenAndServe()
	<-stopped
}

func pool(url string, rounds, idle int) {
	client := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: idle}}
	for round := 0; round < rounds; round++ {
		var wait sync.WaitGroup
		for i := 0; i < 8; i++ {
			wait.Add(1)
			go func() {
				defer wait.Done()
				get(&client, url)
			}()
		}
		wait.Wait()
		time.Sleep(50 * time.Millisecond)
	}
}

func get(client *http.Client, url string) {
	response, err := client.Get(url)
	check(err)
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
}

func gaps(url string, gaps []string) {
	get(http.DefaultClient, url)
	for _, ms := range gaps {
		time.Sleep(time.Duration(number(ms)) * time.Millisecond)
		get(http.DefaultClient, url)
	}
}

func unread(url string, rounds int) {
	for round := 0; round < rounds; round++ {
		response, err := http.Get(url)
		check(err)
		response.Body.Close()
	}
}

func clientEach(url string, rounds, ms int) {
	for round := 0; round < rounds; round++ {
		get(&http.Client{Transport: &http.Transport{}}, url)
		time.Sleep(time.Duration(ms) * time.Millisecond)
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
	var newest atomic.Value
	go forward(near, far, oneWayMs, &dropping, func(packet []byte) {
		if packet[0]>>4 == 4 && packet[9] == 6 {
			newest.Store(packet)
		}
	})
	go forward(far, near, oneWayMs, &dropping, func([]byte) {})
	fmt.Println("up")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if lines.Text() == "reset" {
			near.Write(forgedReset(newest.Load().([]byte)))
		} else {
			dropping.Store(lines.Text() == "drop")
		}
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

// forgedReset answers a packet (IPv4 and TCP) with a reset as a box on the way sends it: right addresses and sequence number, but a
// time to live and an identification of its own.
func forgedReset(packet []byte) []byte {
	header := int(packet[0]&15) * 4
	reset := make([]byte, 40)
	copy(reset, []byte{0x45, 0, 0, 40, 0xbe, 0xef, 0, 0, 247, 6})
	copy(reset[12:], packet[16:20])
	copy(reset[16:], packet[12:16])
	copy(reset[20:], packet[header+2:header+4])
	copy(reset[22:], packet[header:header+2])
	copy(reset[24:], packet[header+8:header+12]) // what it acknowledged is what it expects next
	reset[32], reset[33] = 5<<4, 4
	binary.BigEndian.PutUint16(reset[10:], checksum(reset[:20], 0))
	binary.BigEndian.PutUint16(reset[36:], checksum(reset[12:], 6+20))
	return reset
}

// checksum is that of RFC 1071; for TCP the sum starts with the protocol and the length, and the addresses are part of the data.
func checksum(data []byte, sum uint32) uint16 {
	for i := 0; i+1 < len(data); i += 2 {
		sum += uint32(data[i])<<8 | uint32(data[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// forward keeps the order of packets: one sleeper takes them from a queue, each with its time of departure.
func forward(from, to *os.File, oneWayMs int, dropping *atomic.Bool, see func([]byte)) {
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
		see(buffer[:n])
		if !dropping.Load() {
			queue <- packet{time.Now().Add(time.Duration(oneWayMs) * time.Millisecond), buffer[:n]}
		}
	}
}
