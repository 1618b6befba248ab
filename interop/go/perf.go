package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const perfProtocol = "/perf/1.0.0"

func servePerf(h host.Host) {
	h.SetStreamHandler(perfProtocol, func(s network.Stream) {
		if err := answerPerf(s); err != nil {
			s.Reset()
		}
	})
}

func answerPerf(s network.Stream) error {
	header := make([]byte, 8)
	if _, err := io.ReadFull(s, header); err != nil {
		return err
	}
	if _, err := drain(s); err != nil {
		return err
	}
	if err := sendZeros(s, binary.BigEndian.Uint64(header)); err != nil {
		return err
	}
	return s.Close()
}

func drain(from io.Reader) (uint64, error) {
	buffer := make([]byte, block)
	total := uint64(0)
	for {
		count, err := from.Read(buffer)
		total += uint64(count)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

func sendZeros(to io.Writer, size uint64) error {
	buffer := make([]byte, block)
	for size > 0 {
		count, err := to.Write(buffer[:min(size, block)])
		if err != nil {
			return err
		}
		size -= uint64(count)
	}
	return nil
}

// runPerf measures the upload to the peer's end of it, and the download from its first byte: together with the time
// that the peer needs to turn around.
func runPerf(ctx context.Context, h host.Host, id peer.ID, upload, download int) (reply, error) {
	begin := time.Now()
	s, err := h.NewStream(ctx, id, perfProtocol)
	if err != nil {
		return nil, err
	}
	defer s.Reset()
	if _, err = s.Write(binary.BigEndian.AppendUint64(nil, uint64(download))); err != nil {
		return nil, err
	}
	if err = sendZeros(s, uint64(upload)); err != nil {
		return nil, err
	}
	if err = s.CloseWrite(); err != nil {
		return nil, err
	}
	received, err := drain(s)
	if err != nil {
		return nil, err
	}
	if received != uint64(download) {
		return nil, fmt.Errorf("%d bytes came instead of %d", received, download)
	}
	return reply{"seconds": time.Since(begin).Seconds()}, nil
}
