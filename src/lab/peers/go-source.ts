/**
 * The Go peers' source: net/http as a server and as a client, told their parts as ours are. It is compiled when it is first needed, by the
 * `go` that is there; only the standard library is used.
 */

export const goSource = `package main

import (
	bufio "bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type resource struct{ Type, Body string }

type probes struct{ IdleMs, IntervalMs float64 }

type part struct {
	Address  string
	Port     int
	SiteFile string
	Settings struct {
		IdleTimeoutMs *float64
		KeepAlive     bool
		Connections   int
		IdleMs        *float64
		Probes        *probes
	}
}

type ask struct {
	Path, Method, Body string
	Unread, Last       bool
}

type step struct {
	Kind   string
	Ask    ask
	Asks   []ask
	Ms     float64
	MostMs float64
}

type answer struct {
	Path   string  \`json:"path"\`
	Status *int    \`json:"status"\`
	Error  *string \`json:"error"\`
}

func ms(value float64) time.Duration { return time.Duration(value * float64(time.Millisecond)) }

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	var p part
	check(json.Unmarshal([]byte(os.Args[2]), &p))
	if os.Args[1] == "server" {
		serve(p)
	} else {
		play(p)
	}
}

func serve(p part) {
	var site map[string]resource
	text, err := os.ReadFile(p.SiteFile)
	check(err)
	check(json.Unmarshal(text, &site))
	handler := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/wait" {
			wait, _ := strconv.ParseFloat(r.URL.Query().Get("ms"), 64)
			time.Sleep(ms(wait))
			io.WriteString(w, "thank you for waiting\\n")
			return
		}
		found, ok := site[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", found.Type)
		w.Header().Set("Content-Length", strconv.Itoa(len(found.Body)))
		io.WriteString(w, found.Body)
	}
	server := &http.Server{Handler: http.HandlerFunc(handler)}
	if p.Settings.IdleTimeoutMs != nil {
		server.IdleTimeout = ms(*p.Settings.IdleTimeoutMs)
		server.SetKeepAlivesEnabled(*p.Settings.IdleTimeoutMs > 0)
	}
	config := net.ListenConfig{KeepAlive: -1}
	if p.Settings.Probes != nil {
		config.KeepAlive = ms(p.Settings.Probes.IdleMs)
	}
	listener, err := config.Listen(context.Background(), "tcp", net.JoinHostPort(p.Address, strconv.Itoa(p.Port)))
	check(err)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println("listening")
	check(server.Serve(listener))
}

type watched struct {
	net.Conn
	once sync.Once
	gone func()
}

func (w *watched) Close() error {
	w.once.Do(w.gone)
	return w.Conn.Close()
}

func play(p part) {
	var open sync.WaitGroup
	dialer := &net.Dialer{KeepAlive: -1}
	if p.Settings.Probes != nil {
		dialer.KeepAlive = ms(p.Settings.Probes.IdleMs)
	}
	transport := &http.Transport{
		DisableKeepAlives:   !p.Settings.KeepAlive,
		MaxConnsPerHost:     p.Settings.Connections,
		MaxIdleConnsPerHost: p.Settings.Connections,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			connection, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			open.Add(1)
			return &watched{Conn: connection, gone: open.Done}, nil
		},
	}
	if p.Settings.IdleMs != nil {
		transport.IdleConnTimeout = ms(*p.Settings.IdleMs)
	}
	client := &http.Client{Transport: transport}
	var held []io.ReadCloser
	one := func(a ask) answer {
		failed := func(err error) answer {
			text := err.Error()
			return answer{Path: a.Path, Error: &text}
		}
		method := a.Method
		if method == "" {
			method = "GET"
		}
		request, err := http.NewRequest(method, "http://"+net.JoinHostPort(p.Address, strconv.Itoa(p.Port))+a.Path, strings.NewReader(a.Body))
		if err != nil {
			return failed(err)
		}
		if a.Body == "" {
			request.Body = nil
			request.ContentLength = 0
		}
		request.Close = a.Last
		response, err := client.Do(request)
		if err != nil {
			return failed(err)
		}
		if a.Unread {
			held = append(held, response.Body)
			return answer{Path: a.Path, Status: &response.StatusCode}
		}
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if err != nil {
			return failed(err)
		}
		return answer{Path: a.Path, Status: &response.StatusCode}
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s step
		check(json.Unmarshal(lines.Bytes(), &s))
		answers := []answer{}
		switch s.Kind {
		case "ask":
			answers = append(answers, one(s.Ask))
		case "in-turn":
			for _, a := range s.Asks {
				answers = append(answers, one(a))
			}
		case "side-by-side":
			answers = make([]answer, len(s.Asks))
			var all sync.WaitGroup
			for i, a := range s.Asks {
				all.Add(1)
				go func(i int, a ask) {
					answers[i] = one(a)
					all.Done()
				}(i, a)
			}
			all.Wait()
		case "pause":
			time.Sleep(ms(s.Ms))
		case "until-closed":
			closed := make(chan struct{})
			go func() {
				open.Wait()
				close(closed)
			}()
			select {
			case <-closed:
			case <-time.After(ms(s.MostMs)):
			}
		case "leave":
			transport.CloseIdleConnections()
		}
		text, err := json.Marshal(answers)
		check(err)
		fmt.Println(string(text))
	}
}
`;
