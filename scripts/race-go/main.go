// The Go racers, with net/http as it comes:
//
//	race-go server IDLE_TIMEOUT_MS     prints its port; a report for each line on standard input
//	race-go client WORKLOAD_JSON [IDLE_TIMEOUT_MS]
//	                                   prints a report; the timeout is the client's own, 90 s as it comes
//
// Shapes as in race-workload.ts.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const requestIDField = "X-Request-Id"

func main() {
	if os.Args[1] == "server" {
		ms, _ := strconv.Atoi(os.Args[2])
		runServer(time.Duration(ms) * time.Millisecond)
	} else {
		if len(os.Args) > 3 {
			ms, _ := strconv.Atoi(os.Args[3])
			idleConnTimeout = time.Duration(ms) * time.Millisecond
		}
		runClient(os.Args[2])
	}
}

func runServer(idleTimeout time.Duration) {
	var lock sync.Mutex
	executed := map[string]int{}
	var connections int64
	server := &http.Server{
		IdleTimeout: idleTimeout,
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				atomic.AddInt64(&connections, 1)
			}
		},
		Handler: http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
			io.Copy(io.Discard, request.Body)
			lock.Lock()
			executed[request.Header.Get(requestIDField)]++
			lock.Unlock()
			response.Write([]byte("ok"))
		}),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go server.Serve(listener)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		lock.Lock()
		json.NewEncoder(os.Stdout).Encode(map[string]any{"executed": executed, "connections": atomic.SwapInt64(&connections, 0)})
		executed = map[string]int{}
		lock.Unlock()
	}
}

type workload struct {
	Port, Workers, Rounds int
	GapsMs                [][2]float64
	Pools, Method         string
}

var idleConnTimeout = http.DefaultTransport.(*http.Transport).IdleConnTimeout

type caller struct {
	workload
	lock      sync.Mutex
	latencies []float64
	failedIDs []string
	errors    map[string]int
}

func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns = 0
	transport.MaxIdleConnsPerHost = 1024
	transport.IdleConnTimeout = idleConnTimeout
	return &http.Client{Transport: transport}
}

func (c *caller) send(client *http.Client, id string) {
	started := time.Now()
	url := fmt.Sprintf("http://127.0.0.1:%d/", c.Port)
	request, _ := http.NewRequest("GET", url, nil)
	if c.Method != "GET" {
		request, _ = http.NewRequest("POST", url, bytes.NewReader([]byte("amount=1")))
	}
	request.Header.Set(requestIDField, id)
	response, err := client.Do(request)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	if err != nil {
		c.failedIDs = append(c.failedIDs, id)
		c.errors[nameOf(err)]++
		return
	}
	c.latencies = append(c.latencies, float64(time.Since(started).Nanoseconds())/1e6)
}

func nameOf(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+1:]
}

func (c *caller) gapBefore(round int) time.Duration {
	gap := c.GapsMs[(round-1)%len(c.GapsMs)]
	ms := gap[0] + rand.Float64()*(gap[1]-gap[0])
	return time.Duration(ms * float64(time.Millisecond))
}

func runClient(text string) {
	c := &caller{errors: map[string]int{}, failedIDs: []string{}}
	if err := json.Unmarshal([]byte(text), &c.workload); err != nil {
		panic(err)
	}
	rand.Seed(time.Now().UnixNano())
	shared := newClient()
	clients := make([]*http.Client, c.Workers)
	for worker := range clients {
		clients[worker] = shared
		if c.Pools == "own" {
			clients[worker] = newClient()
		}
	}
	var done sync.WaitGroup
	done.Add(c.Workers)
	for worker := range clients {
		go func(worker int) {
			defer done.Done()
			time.Sleep(time.Duration(rand.Float64() * math.Min(c.GapsMs[0][1], 1000) * float64(time.Millisecond)))
			for round := 0; round < c.Rounds; round++ {
				if round > 0 {
					time.Sleep(c.gapBefore(round))
				}
				c.send(clients[worker], fmt.Sprintf("%d-%d", worker, round))
			}
		}(worker)
	}
	done.Wait()
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"sent": c.Workers * c.Rounds, "failed": len(c.failedIDs), "errors": c.errors,
		"latenciesMs": c.latencies, "failedIds": c.failedIDs, "note": "",
	})
}
