// A go-libp2p peer for the interop tests and benchmarks: one JSON object a line on standard input asks, one on standard
// output answers (interop/README.md has the protocol). It ends when its standard input does.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
)

type request map[string]any

func (r request) text(key string) string {
	value, _ := r[key].(string)
	return value
}

func (r request) number(key string, otherwise int) int {
	if value, ok := r[key].(float64); ok {
		return int(value)
	}
	return otherwise
}

type reply map[string]any

type output struct {
	mutex sync.Mutex
}

func (o *output) write(line reply) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	text, _ := json.Marshal(line)
	os.Stdout.Write(append(text, '\n'))
}

func libraryVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dependency := range info.Deps {
		if dependency.Path == "github.com/libp2p/go-libp2p" {
			return dependency.Version
		}
	}
	return "unknown"
}

func describe() reply {
	return reply{
		"name": "go-libp2p", "version": libraryVersion(),
		"transports": []string{"tcp", "ws", "wss", "quic-v1"},
		"securities": []string{"noise", "tls"},
		"muxers":     []string{"yamux"},
		"keys":       []string{"ed25519", "secp256k1", "ecdsa", "rsa"},
		"features": []string{
			"perf", "wss-sni", "pnet", "identify-push", "relay-serve", "relay-reserve", "dcutr", "dcutr-tcp", "dcutr-quic-v1", "autonat-behind-nat", "autonat-v1-ask", "autonat-v1-serve", "autonat-v2-ask",
			"autonat-v2-serve", "mdns", "mdns-v6", "pubsub", "kad",
		},
	}
}

func answer(n *node, out *output, line []byte) {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		out.write(reply{"ok": false, "error": err.Error()})
		return
	}
	told, err := n.run(asked)
	if err != nil {
		told = reply{"ok": false, "error": err.Error()}
	} else {
		if told == nil {
			told = reply{}
		}
		told["ok"] = true
	}
	told["id"] = asked["id"]
	out.write(told)
}

func main() {
	chosen, err := parseChoice(os.Args[1:])
	out := &output{}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if chosen.describe {
		out.write(describe())
		return
	}
	n, err := newNode(chosen)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ready := describe()
	ready["event"] = "ready"
	ready["peer"] = n.host.ID().String()
	out.write(ready)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := append([]byte(nil), lines.Bytes()...)
		go answer(n, out, line)
	}
	n.close()
}
