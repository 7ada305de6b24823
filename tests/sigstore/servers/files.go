package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

// writeFile writes a file that is there whole or not at all.
func writeFile(file, content string) error {
	if err := os.WriteFile(file+".new", []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// readPEM is the DER of every block of a file, of which there is at least one.
func readPEM(file string) ([][]byte, error) {
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var found [][]byte
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		found = append(found, block.Bytes)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no PEM", file)
	}
	return found, nil
}

// readPrivateKey is the key of a file in PKCS #8.
func readPrivateKey(file string) (any, error) {
	blocks, err := readPEM(file)
	if err != nil {
		return nil, err
	}
	return x509.ParsePKCS8PrivateKey(blocks[0])
}
