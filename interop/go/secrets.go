package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
)

const rsaBits = 2048

var keyTypes = map[string]int{"ed25519": crypto.Ed25519, "secp256k1": crypto.Secp256k1, "ecdsa": crypto.ECDSA, "rsa": crypto.RSA}

// secureWebSocket serves with the certificate of the folder, and trusts its authority.
func (c choice) secureWebSocket() (libp2p.Option, error) {
	own, err := tls.LoadX509KeyPair(filepath.Join(c.secrets, "chain.pem"), filepath.Join(c.secrets, "key.pem"))
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(filepath.Join(c.secrets, "ca.pem"))
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	return libp2p.Transport(websocket.New,
		websocket.WithTLSConfig(&tls.Config{Certificates: []tls.Certificate{own}}),
		websocket.WithTLSClientConfig(&tls.Config{RootCAs: trusted})), nil
}

// withSecrets adds who we are, and the private network that we belong to.
func (c choice) withSecrets(options []libp2p.Option) ([]libp2p.Option, error) {
	kind, known := keyTypes[c.key]
	if !known {
		return nil, fmt.Errorf("no key %q", c.key)
	}
	key, _, err := crypto.GenerateKeyPair(kind, rsaBits)
	if err != nil {
		return nil, err
	}
	options = append(options, libp2p.Identity(key))
	if !c.privateNetwork {
		return options, nil
	}
	file, err := os.Open(filepath.Join(c.secrets, "swarm.key"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	shared, err := pnet.DecodeV1PSK(file)
	if err != nil {
		return nil, err
	}
	return append(options, libp2p.PrivateNetwork(shared)), nil
}
