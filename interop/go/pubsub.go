// Gossipsub: go-libp2p-pubsub with the message ids that the mixed meshes agree on.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
)

const pubsubMessageMax = 1 << 20

type gossip struct {
	router *pubsub.PubSub
	mutex  sync.Mutex
	topics map[string]*pubsub.Topic
	texts  []string
}

// signedID is author and sequence number; anonymousID 20 bytes of SHA-256 over topic, behind its length, and data.
func signedID(message *pb.Message) string {
	return string(message.GetFrom()) + string(message.GetSeqno())
}

func anonymousID(message *pb.Message) string {
	hash := sha256.New()
	hash.Write(binary.AppendUvarint(nil, uint64(len(message.GetTopic()))))
	hash.Write([]byte(message.GetTopic()))
	hash.Write(message.GetData())
	return string(hash.Sum(nil)[:20])
}

func startPubsub(h host.Host, policy string, mesh int) (*gossip, error) {
	options := []pubsub.Option{pubsub.WithMaxMessageSize(pubsubMessageMax), pubsub.WithFloodPublish(true)}
	if mesh > 0 {
		params := pubsub.DefaultGossipSubParams()
		params.D, params.Dlo, params.Dhi, params.Dscore = mesh, mesh, mesh, mesh
		options = append(options, pubsub.WithGossipSubParams(params))
	}
	switch policy {
	case "sign":
		options = append(options, pubsub.WithMessageSignaturePolicy(pubsub.StrictSign), pubsub.WithMessageIdFn(signedID))
	case "anonymous":
		options = append(options, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(), pubsub.WithMessageIdFn(anonymousID))
	default:
		return nil, fmt.Errorf("no policy %q", policy)
	}
	router, err := pubsub.NewGossipSub(context.Background(), h, options...)
	return &gossip{router: router, topics: map[string]*pubsub.Topic{}}, err
}

func (g *gossip) topic(name string) (*pubsub.Topic, error) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if known := g.topics[name]; known != nil {
		return known, nil
	}
	joined, err := g.router.Join(name)
	if err == nil {
		g.topics[name] = joined
	}
	return joined, err
}

func (g *gossip) listen(subscription *pubsub.Subscription, own string) {
	for {
		message, err := subscription.Next(context.Background())
		if err != nil {
			return
		}
		if message.ReceivedFrom.String() != own {
			g.mutex.Lock()
			g.texts = append(g.texts, label(message.GetData()))
			g.mutex.Unlock()
		}
	}
}

// label is what comes before the filling of a large message.
func label(data []byte) string {
	for i, one := range data {
		if one == 0 {
			return string(data[:i])
		}
	}
	return string(data)
}

// allocations says how many there were in this process.
func allocations() reply {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return reply{"count": stats.Mallocs}
}

func (n *node) runPubsub(ctx context.Context, asked request) (reply, error) {
	if n.gossip == nil {
		return nil, errors.New("this peer was started without --pubsub")
	}
	topic, err := n.gossip.topic(asked.text("topic"))
	if err != nil {
		return nil, err
	}
	switch asked.text("cmd") {
	case "pubsub-subscribe":
		subscription, err := topic.Subscribe()
		if err == nil {
			go n.gossip.listen(subscription, n.host.ID().String())
		}
		return nil, err
	case "pubsub-publish":
		data := []byte(asked.text("text"))
		if size := asked.number("bytes", 0); size > len(data) {
			data = append(data, make([]byte, size-len(data))...)
		}
		return nil, topic.Publish(ctx, data)
	case "pubsub-peers":
		peers := []string{}
		for _, peer := range topic.ListPeers() {
			peers = append(peers, peer.String())
		}
		return reply{"peers": peers}, nil
	case "pubsub-received":
		n.gossip.mutex.Lock()
		defer n.gossip.mutex.Unlock()
		return reply{"texts": append([]string{}, n.gossip.texts...)}, nil
	}
	return nil, errors.New("no such command: " + asked.text("cmd"))
}
