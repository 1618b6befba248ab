package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	bulkProtocol = "/vivim/interop/bulk/1.0.0"
	block        = 64 * 1024
)

func serveBulk(h host.Host) {
	h.SetStreamHandler(bulkProtocol, func(s network.Stream) {
		if err := answerBulk(s); err != nil {
			fmt.Fprintln(os.Stderr, "bulk:", err)
			s.Reset()
		}
	})
}

// sendBlocks sends size bytes in blocks that differ, and returns their hash.
func sendBlocks(to io.Writer, size uint64) ([]byte, error) {
	hash := sha256.New()
	buffer := make([]byte, block)
	for at := 0; at < block; at += 8 {
		binary.BigEndian.PutUint64(buffer[at:], rand.Uint64())
	}
	for number := uint64(0); size > 0; number++ {
		binary.BigEndian.PutUint64(buffer, number)
		part := buffer[:min(size, block)]
		hash.Write(part)
		if _, err := to.Write(part); err != nil {
			return nil, err
		}
		size -= uint64(len(part))
	}
	return hash.Sum(nil), nil
}

func hashOf(from io.Reader, size uint64) ([]byte, error) {
	hash := sha256.New()
	_, err := io.CopyN(hash, from, int64(size))
	return hash.Sum(nil), err
}

func requireSame(from io.Reader, expected []byte, what string) error {
	told := make([]byte, sha256.Size)
	if _, err := io.ReadFull(from, told); err != nil {
		return err
	}
	if !bytes.Equal(told, expected) {
		return errors.New(what + ": hashes differ")
	}
	return nil
}

func requireEnd(from io.Reader) error {
	if count, err := from.Read(make([]byte, 1)); count != 0 || err != io.EOF {
		return fmt.Errorf("no clean end: %d bytes, %v", count, err)
	}
	return nil
}

type sent struct {
	hash []byte
	err  error
}

func answerBulk(s network.Stream) error {
	sizes := make([]byte, 16)
	if _, err := io.ReadFull(s, sizes); err != nil {
		return err
	}
	sending := make(chan sent, 1)
	go func() {
		hash, err := sendBlocks(s, binary.BigEndian.Uint64(sizes[8:]))
		sending <- sent{hash, err}
	}()
	received, err := hashOf(s, binary.BigEndian.Uint64(sizes))
	if err != nil {
		return err
	}
	if err = requireSame(s, received, "upload"); err != nil {
		return err
	}
	if err = requireEnd(s); err != nil {
		return err
	}
	download := <-sending
	if download.err != nil {
		return download.err
	}
	if _, err = s.Write(append(download.hash, received...)); err != nil {
		return err
	}
	return s.Close()
}

func bulkStream(ctx context.Context, h host.Host, id peer.ID, upload, download uint64) error {
	s, err := h.NewStream(ctx, id, bulkProtocol)
	if err != nil {
		return err
	}
	defer s.Reset()
	sizes := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, upload), download)
	if _, err = s.Write(sizes); err != nil {
		return err
	}
	sending := make(chan sent, 1)
	go func() {
		hash, err := sendBlocks(s, upload)
		if err == nil {
			_, err = s.Write(hash)
		}
		if err == nil {
			err = s.CloseWrite()
		}
		sending <- sent{hash, err}
	}()
	received, err := hashOf(s, download)
	if err != nil {
		return err
	}
	if err = requireSame(s, received, "download"); err != nil {
		return err
	}
	uploaded := <-sending
	if uploaded.err != nil {
		return uploaded.err
	}
	if err = requireSame(s, uploaded.hash, "upload"); err != nil {
		return err
	}
	return requireEnd(s)
}

// runBulk sends and receives bytes on each of several streams at once.
func runBulk(ctx context.Context, h host.Host, id peer.ID, streams, size int) (reply, error) {
	begin := time.Now()
	failed := make(chan error, streams)
	var all sync.WaitGroup
	for range streams {
		all.Go(func() {
			if err := bulkStream(ctx, h, id, uint64(size), uint64(size)); err != nil {
				failed <- err
			}
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case err := <-failed:
		return nil, err
	default:
		return reply{"seconds": time.Since(begin).Seconds()}, nil
	}
}
