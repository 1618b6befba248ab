package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	ma "github.com/multiformats/go-multiaddr"
)

const patience = 30 * time.Second

// choice is what the command line chose.
type choice struct {
	transport, security, muxer string
	describe, relay, holePunch bool
	autonatServer, private     bool
	autonat, kad               bool
	autonatVersion             string
	key, secrets               string
	privateNetwork             bool
	pubsub                     string
	pubsubMesh                 int
}

func parseChoice(arguments []string) (choice, error) {
	var c choice
	flags := flag.NewFlagSet("vivim-interop-go", flag.ContinueOnError)
	flags.StringVar(&c.transport, "transport", "tcp", "tcp, ws, wss or quic-v1")
	flags.StringVar(&c.security, "security", "noise", "noise or tls")
	flags.StringVar(&c.muxer, "muxer", "yamux", "yamux")
	flags.BoolVar(&c.describe, "describe", false, "say what this peer has, and end")
	flags.BoolVar(&c.relay, "relay-serve", false, "relay circuits")
	flags.BoolVar(&c.holePunch, "dcutr", false, "upgrade relayed connections")
	flags.BoolVar(&c.autonatServer, "autonat-serve", false, "dial peers back")
	flags.BoolVar(&c.autonat, "autonat", false, "ask whether we can be reached")
	flags.StringVar(&c.autonatVersion, "autonat-version", "", "serve only this one: 1 or 2")
	flags.StringVar(&c.key, "key", "ed25519", "ed25519, secp256k1, ecdsa or rsa")
	flags.StringVar(&c.secrets, "secrets", "", "folder of certificates and keys (runner/secrets.mjs)")
	flags.BoolVar(&c.privateNetwork, "private-network", false, "only talk to those with the key in the folder")
	flags.StringVar(&c.pubsub, "pubsub", "", "gossip: sign or anonymous")
	flags.IntVar(&c.pubsubMesh, "pubsub-mesh", 0, "peers in the mesh")
	flags.Bool("mdns", true, "for other peers: answer on mDNS")
	flags.BoolVar(&c.kad, "kad", false, "be a node of the DHT")
	flags.BoolVar(&c.private, "private", false, "be sure not to be reachable")
	return c, flags.Parse(arguments)
}

type node struct {
	asker  *autonatv2.AutoNAT
	chosen choice
	host   host.Host
	held   holder
	gossip *gossip
	kad    *dht.IpfsDHT
}

func (c choice) options() ([]libp2p.Option, error) {
	options := []libp2p.Option{
		libp2p.NoListenAddrs, libp2p.UserAgent("vivim-interop-go/1.0.0"), libp2p.DisableMetrics(),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.EnableRelay(),
	}
	switch c.transport {
	case "tcp":
		options = append(options, libp2p.Transport(tcp.NewTCPTransport))
	case "ws":
		options = append(options, libp2p.Transport(websocket.New))
	case "wss":
		secure, err := c.secureWebSocket()
		if err != nil {
			return nil, err
		}
		options = append(options, secure)
	case "quic-v1":
		options = append(options, libp2p.Transport(quic.NewTransport))
	default:
		return nil, fmt.Errorf("no transport %q", c.transport)
	}
	switch c.security {
	case "noise":
		options = append(options, libp2p.Security(noise.ID, noise.New))
	case "tls":
		options = append(options, libp2p.Security(tls.ID, tls.New))
	default:
		return nil, fmt.Errorf("no security %q", c.security)
	}
	if c.muxer != "yamux" {
		return nil, fmt.Errorf("no muxer %q", c.muxer)
	}
	options = append(options, libp2p.Muxer(yamux.ID, yamux.DefaultTransport))
	if c.holePunch {
		options = append(options, libp2p.EnableHolePunching())
	}
	if c.autonatServer {
		options = append(options, libp2p.ForceReachabilityPublic())
		if c.autonatVersion != "2" {
			options = append(options, libp2p.EnableNATService())
		}
		if c.autonatVersion != "1" {
			options = append(options, libp2p.EnableAutoNATv2())
		}
	}
	if c.private {
		options = append(options, libp2p.ForceReachabilityPrivate())
	}
	return c.withSecrets(options)
}

func newHost(c choice) (host.Host, error) {
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	return libp2p.New(options...)
}

func newNode(c choice) (*node, error) {
	h, err := newHost(c)
	if err != nil {
		return nil, err
	}
	n := &node{chosen: c, host: h}
	serveBulk(h)
	servePerf(h)
	if c.relay {
		if _, err = relay.New(h); err != nil {
			return nil, err
		}
	}
	if c.pubsub != "" {
		if n.gossip, err = startPubsub(h, c.pubsub, c.pubsubMesh); err != nil {
			return nil, err
		}
	}
	if c.kad {
		if n.kad, err = newKad(h); err != nil {
			return nil, err
		}
	}
	if c.autonat {
		err = n.startAutonatV2()
	}
	return n, err
}

func (n *node) close() {
	if n.kad != nil {
		n.kad.Close()
	}
	n.held.close()
	n.host.Close()
}

func (n *node) run(asked request) (reply, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(asked.number("timeoutMs", 60000))*time.Millisecond)
	defer cancel()
	ctx = network.WithAllowLimitedConn(ctx, "interop")
	if strings.HasPrefix(asked.text("cmd"), "pubsub-") {
		return n.runPubsub(ctx, asked)
	}
	if strings.HasPrefix(asked.text("cmd"), "kad-") {
		return n.runKad(ctx, asked)
	}
	switch asked.text("cmd") {
	case "listen":
		return n.listen(asked.text("addr"))
	case "dial":
		return n.dial(ctx, asked.text("addr"))
	case "peers":
		return n.peers(), nil
	case "allocations":
		return allocations(), nil
	case "relay-reserve":
		return n.reserve(ctx, asked.text("addr"))
	case "mdns":
		return n.discover(ctx, asked.text("peer"))
	case "connect-rate":
		return connectRate(ctx, n.chosen, asked)
	case "dial-many":
		return n.held.dialMany(ctx, n.chosen, asked)
	case "autonat":
		return n.autonat(ctx, asked.text("version"), asked.text("candidate"))
	}
	id, err := peer.Decode(asked.text("peer"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", asked.text("cmd"), err)
	}
	switch asked.text("cmd") {
	case "ping":
		return n.ping(ctx, id, asked.number("count", 1))
	case "identify":
		return n.identify(ctx, id)
	case "bulk":
		return runBulk(ctx, n.host, id, asked.number("streams", 1), asked.number("bytes", 0))
	case "perf":
		return runPerf(ctx, n.host, id, asked.number("upload", 0), asked.number("download", 0))
	case "open-streams":
		return n.held.openStreams(ctx, n.host, id, asked.number("count", 1))
	case "direct":
		return n.direct(ctx, id)
	case "disconnect":
		return nil, n.host.Network().ClosePeer(id)
	}
	return nil, errors.New("no such command: " + asked.text("cmd"))
}

func (n *node) listen(text string) (reply, error) {
	address, err := ma.NewMultiaddr(text)
	if err != nil {
		return nil, err
	}
	if err = n.host.Network().Listen(address); err != nil {
		return nil, err
	}
	listened, err := n.host.Network().InterfaceListenAddresses()
	if err != nil {
		return nil, err
	}
	addresses := []string{}
	for _, one := range listened {
		if _, err := one.ValueForProtocol(ma.P_CIRCUIT); err != nil {
			addresses = append(addresses, one.String()+"/p2p/"+n.host.ID().String())
		}
	}
	return reply{"addrs": addresses}, nil
}

func (n *node) dial(ctx context.Context, address string) (reply, error) {
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err = n.host.Connect(ctx, *info); err != nil {
		return nil, err
	}
	told := n.connection(info.ID)
	told["ms"] = float64(time.Since(begin).Microseconds()) / 1000
	return told, nil
}

// connection says what the newest connection with a peer is made of.
func (n *node) connection(id peer.ID) reply {
	all := n.host.Network().ConnsToPeer(id)
	if len(all) == 0 {
		return reply{"peer": id.String()}
	}
	one := all[len(all)-1]
	state := one.ConnState()
	return reply{
		"peer": id.String(), "security": string(state.Security), "muxer": string(state.StreamMultiplexer),
		"transport": state.Transport, "remote": one.RemoteMultiaddr().String(), "limited": one.Stat().Limited,
		"early": state.UsedEarlyMuxerNegotiation,
	}
}

func (n *node) peers() reply {
	all := []reply{}
	for _, id := range n.host.Network().Peers() {
		all = append(all, n.connection(id))
	}
	return reply{"peers": all}
}

func (n *node) ping(ctx context.Context, id peer.ID, count int) (reply, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := ping.Ping(ctx, n.host, id)
	times := []float64{}
	for len(times) < count {
		result, open := <-answers
		if !open {
			return nil, errors.New("the pings ended")
		}
		if result.Error != nil {
			return nil, result.Error
		}
		times = append(times, float64(result.RTT.Nanoseconds())/1e6)
	}
	return reply{"ms": times}, nil
}

func (n *node) identify(ctx context.Context, id peer.ID) (reply, error) {
	known, ok := n.host.(interface{ IDService() identify.IDService })
	if !ok {
		return nil, errors.New("no identify service")
	}
	all := n.host.Network().ConnsToPeer(id)
	for ; len(all) == 0; all = n.host.Network().ConnsToPeer(id) {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, errors.New("not connected")
		}
	}
	select {
	case <-known.IDService().IdentifyWait(all[0]):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	agent, err := n.host.Peerstore().Get(id, "AgentVersion")
	if err != nil {
		return nil, fmt.Errorf("not identified: %w", err)
	}
	protocols, err := n.host.Peerstore().GetProtocols(id)
	if err != nil {
		return nil, err
	}
	addresses := []string{}
	for _, address := range n.host.Peerstore().Addrs(id) {
		addresses = append(addresses, address.String())
	}
	return reply{"agent": agent, "protocols": protocols, "listenAddrs": addresses}, nil
}
