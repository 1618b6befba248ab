package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

// holder keeps hosts and streams open until the process ends.
type holder struct {
	mutex   sync.Mutex
	hosts   []host.Host
	streams []network.Stream
}

func (h *holder) close() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for _, one := range h.hosts {
		one.Close()
	}
}

// dialMany connects with one peer from many identities.
func (h *holder) dialMany(ctx context.Context, c choice, asked request) (reply, error) {
	info, err := peer.AddrInfoFromString(asked.text("addr"))
	if err != nil {
		return nil, err
	}
	for range asked.number("count", 1) {
		one, err := newHost(c)
		if err != nil {
			return nil, err
		}
		h.mutex.Lock()
		h.hosts = append(h.hosts, one)
		h.mutex.Unlock()
		if err = one.Connect(ctx, *info); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (h *holder) openStreams(ctx context.Context, from host.Host, id peer.ID, count int) (reply, error) {
	for range count {
		s, err := from.NewStream(ctx, id, bulkProtocol)
		if err != nil {
			return nil, err
		}
		if _, err = s.Write(make([]byte, 1)); err != nil {
			return nil, err
		}
		h.streams = append(h.streams, s)
	}
	return nil, nil
}

// connectOften makes connections one after the other: a whole handshake, one ping, the end.
func connectOften(ctx context.Context, h host.Host, info peer.AddrInfo, count int) error {
	for range count {
		if err := h.Connect(ctx, info); err != nil {
			return err
		}
		pings, cancel := context.WithCancel(ctx)
		result, open := <-ping.Ping(pings, h, info.ID)
		cancel()
		if !open {
			return errors.New("no ping came back")
		}
		if result.Error != nil {
			return result.Error
		}
		if err := h.Network().ClosePeer(info.ID); err != nil {
			return err
		}
	}
	return nil
}

func connectRate(ctx context.Context, c choice, asked request) (reply, error) {
	info, err := peer.AddrInfoFromString(asked.text("addr"))
	if err != nil {
		return nil, err
	}
	parallel, count := asked.number("parallel", 1), asked.number("count", 1)
	hosts := []host.Host{}
	for range parallel {
		one, err := newHost(c)
		if err != nil {
			return nil, err
		}
		defer one.Close()
		hosts = append(hosts, one)
	}
	failed := make(chan error, parallel)
	begin := time.Now()
	for _, one := range hosts {
		go func() { failed <- connectOften(ctx, one, *info, count) }()
	}
	for range hosts {
		if one := <-failed; one != nil {
			err = one
		}
	}
	return reply{"seconds": time.Since(begin).Seconds(), "connections": parallel * count}, err
}
