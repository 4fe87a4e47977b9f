// The way between two capture points: two TUN devices in two network namespaces, and what routers and middleboxes do in between. It
// holds packets, loses some, translates the client's address, lowers the maximum segment size and forges a reset, and keeps count,
// so that what a comparison of two captures finds can be held against what happened.
//
//	way ONE_WAY_MS PID LOST_OF_1000 TRANSLATE
//
// joins this network namespace (holdfast0, 10.9.0.1) to the one of PID (holdfast1, 10.9.0.2). TRANSLATE is "plain", or "nat": then the
// server knows the client as 10.9.0.77 and other ports. Standard input: "reset" sends the client a forged one, "end" prints the counts
// as JSON and leaves.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

type counts struct {
	Lost   int `json:"lost"`
	Forged int `json:"forged"`
}

// what happened, by sender
type truth struct {
	Client counts `json:"client"`
	Server counts `json:"server"`
}

type way struct {
	mutex     sync.Mutex
	done      truth
	newest    []byte
	random    uint32
	lostOf    uint32
	translate bool
}

const clampedSegmentSize = 1380
const portShift = 1000

func main() {
	oneWay, err := strconv.Atoi(os.Args[1])
	check(err)
	lostOf, err := strconv.Atoi(os.Args[3])
	check(err)
	near, far := tunnel("holdfast0"), tunnel("holdfast1")
	inFar := []string{"nsenter", "-t", os.Args[2], "-n"}
	run("ip", "link", "set", "holdfast1", "netns", os.Args[2])
	run("ip", "addr", "add", "10.9.0.1/24", "dev", "holdfast0")
	run("ip", "link", "set", "holdfast0", "up")
	run(append(inFar, "ip", "addr", "add", "10.9.0.2/24", "dev", "holdfast1")...)
	run(append(inFar, "ip", "link", "set", "holdfast1", "up")...)
	w := &way{random: 7, lostOf: uint32(lostOf), translate: os.Args[4] == "nat"}
	go w.forward(near, far, oneWay, true)
	go w.forward(far, near, oneWay, false)
	fmt.Println("up")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		w.mutex.Lock()
		if lines.Text() == "reset" {
			near.Write(forgedReset(w.newest))
			w.done.Server.Forged++
		} else {
			check(json.NewEncoder(os.Stdout).Encode(w.done))
			return
		}
		w.mutex.Unlock()
		fmt.Println("done")
	}
}

type delayed struct {
	due  time.Time
	data []byte
}

// forward keeps the order of packets.
func (w *way) forward(from, to *os.File, oneWayMs int, toServer bool) {
	queue := make(chan delayed, 10000)
	go func() {
		for p := range queue {
			time.Sleep(time.Until(p.due))
			to.Write(p.data)
		}
	}()
	buffer := make([]byte, 65536)
	for {
		n, err := from.Read(buffer)
		check(err)
		packet := append([]byte(nil), buffer[:n]...)
		if packet[0]>>4 != 4 || packet[9] != 6 || !w.pass(packet, toServer) {
			continue
		}
		queue <- delayed{time.Now().Add(time.Duration(oneWayMs) * time.Millisecond), packet}
	}
}

// pass does to a packet what the way does; false: it is lost.
func (w *way) pass(packet []byte, toServer bool) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.random = w.random*1664525 + 1013904223
	if w.random>>16%1000 < w.lostOf {
		if toServer {
			w.done.Client.Lost++
		} else {
			w.done.Server.Lost++
		}
		return false
	}
	if toServer {
		w.newest = append([]byte(nil), packet...)
	}
	tcp := packet[int(packet[0]&15)*4:]
	packet[8]--
	if w.translate {
		clamp(tcp)
		if toServer {
			packet[15] = 77
			binary.BigEndian.PutUint16(tcp, binary.BigEndian.Uint16(tcp)-portShift)
		} else {
			packet[19] = 1
			binary.BigEndian.PutUint16(tcp[2:], binary.BigEndian.Uint16(tcp[2:])+portShift)
		}
	}
	sum(packet)
	return true
}

// clamp lowers the maximum segment size that a SYN offers.
func clamp(tcp []byte) {
	if tcp[13]&2 == 0 {
		return
	}
	for at := 20; at+4 <= int(tcp[12]>>4)*4; {
		if tcp[at] == 2 {
			binary.BigEndian.PutUint16(tcp[at+2:], clampedSegmentSize)
			return
		} else if tcp[at] == 1 {
			at++
		} else if tcp[at] == 0 || tcp[at+1] < 2 {
			return
		} else {
			at += int(tcp[at+1])
		}
	}
}

// forgedReset answers a packet with a reset as a box on the way sends it: right addresses and sequence number, but a time to live and an
// identification of its own.
func forgedReset(packet []byte) []byte {
	header := int(packet[0]&15) * 4
	reset := make([]byte, 40)
	copy(reset, []byte{0x45, 0, 0, 40, 0xbe, 0xef, 0, 0, 247, 6})
	copy(reset[12:], packet[16:20])
	copy(reset[16:], packet[12:16])
	copy(reset[20:], packet[header+2:header+4])
	copy(reset[22:], packet[header:header+2])
	copy(reset[24:], packet[header+8:header+12])
	reset[32], reset[33] = 5<<4, 4
	sum(reset)
	return reset
}

// sum writes both checksums anew (RFC 1071).
func sum(packet []byte) {
	header := int(packet[0]&15) * 4
	packet[10], packet[11] = 0, 0
	binary.BigEndian.PutUint16(packet[10:], checksum(packet[:header], 0))
	tcp := packet[header:]
	tcp[16], tcp[17] = 0, 0
	pseudo := uint32(6) + uint32(len(tcp))
	for at := 12; at < 20; at += 2 {
		pseudo += uint32(binary.BigEndian.Uint16(packet[at:]))
	}
	binary.BigEndian.PutUint16(tcp[16:], checksum(tcp, pseudo))
}

func checksum(data []byte, total uint32) uint16 {
	for i := 0; i < len(data); i += 2 {
		total += uint32(data[i]) << 8
		if i+1 < len(data) {
			total += uint32(data[i+1])
		}
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return ^uint16(total)
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

func run(command ...string) {
	c := exec.Command(command[0], command[1:]...)
	c.Stderr = os.Stderr
	check(c.Run())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
