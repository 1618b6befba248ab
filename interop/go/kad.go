package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	record "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
)

// anything takes every value: what VIVIM signs is VIVIM's to judge.
type anything struct{}

func (anything) Validate(string, []byte) error { return nil }

func (anything) Select(_ string, values [][]byte) (int, error) { return len(values) - 1, nil }

// newKad serves VIVIM's DHT.
func newKad(h host.Host) (*dht.IpfsDHT, error) {
	return dht.New(h, dht.Mode(dht.ModeServer), dht.ProtocolPrefix("/vivim"),
		dht.Validator(record.NamespacedValidator{"pk": record.PublicKeyValidator{}, "vivim": anything{}}))
}

// runKad answers the commands of the DHT: keys and values are hexadecimal.
func (n *node) runKad(ctx context.Context, asked request) (reply, error) {
	if n.kad == nil {
		return nil, errors.New("not started with --kad")
	}
	key, err := hex.DecodeString(asked.text("key"))
	if err != nil {
		return nil, err
	}
	switch asked.text("cmd") {
	case "kad-wait":
		return n.waitForTable(ctx, asked.number("count", 1))
	case "kad-put":
		value, err := hex.DecodeString(asked.text("value"))
		if err != nil {
			return nil, err
		}
		return nil, n.kad.PutValue(ctx, string(key), value)
	case "kad-put-own-key":
		return n.putOwnKey(ctx)
	case "kad-get":
		value, err := n.kad.GetValue(ctx, string(key))
		return reply{"value": hex.EncodeToString(value)}, err
	case "kad-provide":
		id, err := cidOf(key)
		if err != nil {
			return nil, err
		}
		return nil, n.kad.Provide(ctx, id, true)
	case "kad-providers":
		return n.findProviders(ctx, key)
	case "kad-find":
		return n.findPeer(ctx, asked.text("peer"))
	}
	return nil, errors.New("no such command: " + asked.text("cmd"))
}

func (n *node) waitForTable(ctx context.Context, count int) (reply, error) {
	for n.kad.RoutingTable().Size() < count {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("%d nodes in the table", n.kad.RoutingTable().Size())
		}
	}
	return reply{"count": n.kad.RoutingTable().Size()}, nil
}

func (n *node) putOwnKey(ctx context.Context) (reply, error) {
	key := "/pk/" + string(n.host.ID())
	public, err := n.host.ID().ExtractPublicKey()
	if err != nil {
		return nil, err
	}
	value, err := public.Raw()
	if err != nil {
		return nil, err
	}
	value = append([]byte{8, 1, 18, byte(len(value))}, value...) // an Ed25519 key, as libp2p encodes it
	err = n.kad.PutValue(ctx, key, value)
	return reply{"key": hex.EncodeToString([]byte(key)), "value": hex.EncodeToString(value)}, err
}

func cidOf(key []byte) (cid.Cid, error) {
	hash, err := multihash.Cast(key)
	return cid.NewCidV1(cid.Raw, hash), err
}

func (n *node) findProviders(ctx context.Context, key []byte) (reply, error) {
	id, err := cidOf(key)
	if err != nil {
		return nil, err
	}
	found, err := n.kad.FindProviders(ctx, id)
	peers := []string{}
	for _, one := range found {
		peers = append(peers, one.ID.String())
	}
	return reply{"peers": peers}, err
}

func (n *node) findPeer(ctx context.Context, text string) (reply, error) {
	id, err := peer.Decode(text)
	if err != nil {
		return nil, err
	}
	info, err := n.kad.FindPeer(ctx, id)
	addresses := []string{}
	for _, one := range info.Addrs {
		addresses = append(addresses, one.String())
	}
	return reply{"addrs": addresses}, err
}
