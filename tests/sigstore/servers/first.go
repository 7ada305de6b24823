package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
)

// The first entry of a log is unlike others: its number, 0, and the hashes of its proof are left out of
// a bundle, which cosign 2.4 refuses. So both logs have one before anybody comes, unless the site is
// started with `empty-logs`.

// fillRekor1 makes an entry, whatever it says.
func (s *site) fillRekor1() error {
	made, err := newEntry()
	if err != nil {
		return err
	}
	body, err := json.Marshal(claims{"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": claims{
		"data":      claims{"hash": claims{"algorithm": "sha256", "value": hex.EncodeToString(made.digest[:])}},
		"signature": claims{"content": made.signature, "publicKey": claims{"content": made.pem()}},
	}})
	if err != nil {
		return err
	}
	return s.post(plain.rekor1+"/api/v1/log/entries", body)
}

// fillRekor2 does the same.
func (s *site) fillRekor2() error {
	made, err := newEntry()
	if err != nil {
		return err
	}
	body, err := json.Marshal(claims{"hashedRekordRequestV002": claims{
		"digest": made.digest[:],
		"signature": claims{"content": made.signature, "verifier": claims{
			"publicKey": claims{"rawBytes": made.key}, "keyDetails": "PKIX_ECDSA_P256_SHA_256",
		}},
	}})
	if err != nil {
		return err
	}
	return s.post(plain.rekor2+"/api/v2/log/entries", body)
}

// entry is a signature over a digest by a key that no longer exists.
type entry struct {
	digest         [32]byte
	signature, key []byte
}

func newEntry() (made entry, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return made, err
	}
	made.digest = sha256.Sum256([]byte("the first entry"))
	if made.signature, err = ecdsa.SignASN1(rand.Reader, key, made.digest[:]); err != nil {
		return made, err
	}
	made.key, err = x509.MarshalPKIXPublicKey(&key.PublicKey)
	return made, err
}

func (e entry) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: e.key})
}
