// Go's net/http client for engine-client.ts: PORT CONNECTIONS MS. Prints {perSecond, cpuMicroseconds}.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func cpuTime() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
	connections, _ := strconv.Atoi(os.Args[2])
	ms, _ := strconv.Atoi(os.Args[3])
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = connections
	transport.MaxConnsPerHost = connections
	client := &http.Client{Transport: transport}
	url := "http://127.0.0.1:" + os.Args[1] + "/"
	var count int64
	var stop int32
	var done sync.WaitGroup
	done.Add(connections)
	for index := 0; index < connections; index++ {
		go func() {
			defer done.Done()
			for atomic.LoadInt32(&stop) == 0 {
				response, err := client.Get(url)
				if err != nil {
					panic(err)
				}
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
				atomic.AddInt64(&count, 1)
			}
		}()
	}
	time.Sleep(time.Duration(ms) * time.Millisecond / 4)
	started, startedCPU := time.Now(), cpuTime()
	startedCount := atomic.LoadInt64(&count)
	time.Sleep(time.Duration(ms) * time.Millisecond)
	elapsed, usedCPU := time.Since(started), cpuTime()-startedCPU
	counted := atomic.LoadInt64(&count) - startedCount
	atomic.StoreInt32(&stop, 1)
	done.Wait()
	fmt.Printf(`{"perSecond":%f,"cpuMicroseconds":%f}`, float64(counted)/elapsed.Seconds(), float64(usedCPU.Microseconds())/float64(counted))
}
