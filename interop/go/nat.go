package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"github.com/libp2p/go-libp2p/p2p/host/autonat"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"
)

// reserve asks a relay for a slot, and says where others reach us through it.
func (n *node) reserve(ctx context.Context, address string) (reply, error) {
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return nil, err
	}
	if err = n.host.Connect(ctx, *info); err != nil {
		return nil, err
	}
	slot, err := client.Reserve(ctx, n.host, *info)
	if err != nil {
		return nil, err
	}
	told := reply{
		"addrs":      []string{fmt.Sprintf("%s/p2p-circuit/p2p/%s", address, n.host.ID())},
		"expiration": slot.Expiration.Unix(), "voucher": slot.Voucher != nil,
		"limitBytes": slot.LimitData, "limitSeconds": slot.LimitDuration.Seconds(),
	}
	relayed := []string{}
	for _, one := range slot.Addrs {
		relayed = append(relayed, one.String())
	}
	told["relayAddrs"] = relayed
	return told, nil
}

// direct waits for a connection with a peer that no relay carries.
func (n *node) direct(ctx context.Context, id peer.ID) (reply, error) {
	for {
		for _, one := range n.host.Network().ConnsToPeer(id) {
			if _, err := one.RemoteMultiaddr().ValueForProtocol(ma.P_CIRCUIT); err != nil {
				return reply{"remote": one.RemoteMultiaddr().String()}, nil
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, errors.New("no direct connection came")
		}
	}
}

type found chan peer.AddrInfo

func (f found) HandlePeerFound(info peer.AddrInfo) {
	select {
	case f <- info:
	default:
	}
}

// discover answers on mDNS, and waits for one peer there when it is named.
func (n *node) discover(ctx context.Context, wanted string) (reply, error) {
	seen := make(found, 64)
	service := mdns.NewMdnsService(n.host, "", seen)
	if err := service.Start(); err != nil {
		return nil, err
	}
	if wanted == "" {
		return nil, nil
	}
	defer service.Close()
	for {
		select {
		case info := <-seen:
			if info.ID.String() == wanted {
				addresses := []string{}
				for _, address := range info.Addrs {
					addresses = append(addresses, address.String())
				}
				return reply{"addrs": addresses}, nil
			}
		case <-ctx.Done():
			return nil, errors.New("mDNS did not find the peer")
		}
	}
}

func (n *node) autonat(ctx context.Context, version, candidate string) (reply, error) {
	addresses := n.host.Addrs()
	if candidate != "" {
		address, err := ma.NewMultiaddr(candidate)
		if err != nil {
			return nil, err
		}
		addresses = []ma.Multiaddr{address}
	}
	if version == "2" {
		return n.autonatV2(ctx, addresses)
	}
	about := func() []ma.Multiaddr { return addresses }
	for _, id := range n.host.Network().Peers() {
		err := autonat.NewAutoNATClient(n.host, about, nil).DialBack(ctx, id)
		if err == nil {
			return reply{"reachable": true}, nil
		}
		if autonat.IsDialError(err) {
			return reply{"reachable": false, "reason": err.Error()}, nil
		}
		return nil, err
	}
	return nil, errors.New("no peer to ask")
}

// startAutonatV2 makes the asker, before there are connections: it learns of servers only when they identify themselves.
func (n *node) startAutonatV2() error {
	second, err := newHost(n.chosen)
	if err != nil {
		return err
	}
	if n.asker, err = autonatv2.New(second); err != nil {
		return err
	}
	n.held.hosts = append(n.held.hosts, second)
	return n.asker.Start(n.host)
}

func (n *node) autonatV2(ctx context.Context, addresses []ma.Multiaddr) (reply, error) {
	if n.asker == nil {
		return nil, errors.New("this peer was started without --autonat")
	}
	requests := []autonatv2.Request{}
	for _, address := range addresses {
		requests = append(requests, autonatv2.Request{Addr: address, SendDialData: true})
	}
	for {
		result, err := n.asker.GetReachability(ctx, requests)
		if err == nil {
			return reply{"addr": result.Addr.String(), "reachable": result.Reachability.String() == "Public"}, nil
		}
		if !errors.Is(err, autonatv2.ErrNoPeers) {
			return nil, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}
