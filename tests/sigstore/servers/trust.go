package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// addresses are where a client finds the services.
type addresses struct{ fulcio, ctlog, rekor1, rekor2, tsa string }

var (
	plain = addresses{
		fulcio: "http://localhost:5555",
		ctlog:  "http://localhost:6962/ct",
		rekor1: "http://localhost:3000",
		rekor2: "http://localhost:3003",
		tsa:    "http://localhost:3004/api/v1/timestamp",
	}
	// Those of the front. Fulcio alone speaks with the CT log.
	secure = addresses{
		fulcio: "https://localhost:15555",
		ctlog:  plain.ctlog,
		rekor1: "https://localhost:13000",
		rekor2: "https://localhost:13003",
		tsa:    "https://localhost:13004/api/v1/timestamp",
	}
)

// Before anything that the site could sign.
const longAgo = "2024-01-01T00:00:00Z"

// The types of a trusted root and of a signing config have the fields, and the order, that cosign's own
// files have.
type (
	period struct {
		Start string `json:"start"`
	}
	encoded struct {
		RawBytes []byte `json:"rawBytes"`
	}

	trustedRoot struct {
		MediaType              string      `json:"mediaType"`
		TLogs                  []log       `json:"tlogs"`
		CertificateAuthorities []authority `json:"certificateAuthorities"`
		CTLogs                 []log       `json:"ctlogs"`
		TimestampAuthorities   []authority `json:"timestampAuthorities"`
	}
	log struct {
		BaseURL       string `json:"baseUrl"`
		HashAlgorithm string `json:"hashAlgorithm"`
		PublicKey     struct {
			encoded
			KeyDetails string `json:"keyDetails"`
			ValidFor   period `json:"validFor"`
		} `json:"publicKey"`
		LogID struct {
			KeyID []byte `json:"keyId"`
		} `json:"logId"`
	}
	authority struct {
		Subject struct {
			Organization string `json:"organization"`
			CommonName   string `json:"commonName"`
		} `json:"subject"`
		URI       string `json:"uri"`
		CertChain struct {
			Certificates []encoded `json:"certificates"`
		} `json:"certChain"`
		ValidFor period `json:"validFor"`
	}

	signingConfig struct {
		MediaType       string   `json:"mediaType"`
		CAURLs          []at     `json:"caUrls,omitempty"`
		OIDCURLs        []at     `json:"oidcUrls,omitempty"`
		RekorTLogURLs   []at     `json:"rekorTlogUrls,omitempty"`
		RekorTLogConfig selector `json:"rekorTlogConfig"`
		TSAURLs         []at     `json:"tsaUrls,omitempty"`
		TSAConfig       selector `json:"tsaConfig"`
	}
	at struct {
		URL             string `json:"url"`
		MajorAPIVersion int    `json:"majorApiVersion"`
		ValidFor        period `json:"validFor"`
		Operator        string `json:"operator"`
	}
	selector struct {
		Selector string `json:"selector,omitempty"`
	}
)

// writeTrust writes what clients are configured with: the trusted root and the signing configs, below
// https/ those for the front, and in other/ a trusted root with other keys.
func writeTrust(directory string) error {
	for _, kind := range []struct {
		keys, into string
		addresses
	}{{"", "", plain}, {"", "https", secure}, {"other", "other", plain}} {
		root, err := newTrustedRoot(filepath.Join(directory, kind.keys), kind.addresses)
		if err != nil {
			return err
		}
		into := filepath.Join(directory, kind.into)
		if err := writeJSON(filepath.Join(into, "trusted-root.json"), root); err != nil {
			return err
		}
		for name, config := range signingConfigs(kind.addresses) {
			if err := writeJSON(filepath.Join(into, "signing-config", name+".json"), config); err != nil {
				return err
			}
		}
	}
	return nil
}

// signingConfigs is every combination of a signer, a log and a timestamp, by a name that says so:
// `key`, `key-rekor1`, `keyless-rekor2-tsa`.
func signingConfigs(to addresses) map[string]signingConfig {
	service := func(url string, version int) []at {
		return []at{{url, version, period{longAgo}, "site"}}
	}
	made := map[string]signingConfig{}
	for _, signer := range []string{"key", "keyless"} {
		for _, rekor := range []string{"", "-rekor1", "-rekor2"} {
			for _, tsa := range []string{"", "-tsa"} {
				config := signingConfig{MediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json"}
				if signer == "keyless" {
					config.CAURLs, config.OIDCURLs = service(to.fulcio, 1), service(people, 1)
				}
				switch rekor {
				case "-rekor1":
					config.RekorTLogURLs, config.RekorTLogConfig = service(to.rekor1, 1), selector{"ANY"}
				case "-rekor2":
					config.RekorTLogURLs, config.RekorTLogConfig = service(to.rekor2, 2), selector{"ANY"}
				}
				if tsa != "" {
					config.TSAURLs, config.TSAConfig = service(to.tsa, 1), selector{"ANY"}
				}
				made[signer+rekor+tsa] = config
			}
		}
	}
	return made
}

func newTrustedRoot(keys string, of addresses) (root trustedRoot, err error) {
	root.MediaType = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
	for _, wanted := range []struct {
		into      *[]log
		file, url string
	}{
		{&root.TLogs, "rekor2.pub", of.rekor2},
		{&root.TLogs, "rekor1.pub", of.rekor1},
		{&root.CTLogs, "ctlog.pub", of.ctlog},
	} {
		made, err := newLog(filepath.Join(keys, wanted.file), wanted.url)
		if err != nil {
			return root, err
		}
		*wanted.into = append(*wanted.into, made)
	}
	for _, wanted := range []struct {
		into      *[]authority
		file, url string
	}{
		{&root.CertificateAuthorities, "fulcio.pem", of.fulcio},
		{&root.TimestampAuthorities, "tsa.pem", of.tsa},
	} {
		made, err := newAuthority(filepath.Join(keys, wanted.file), wanted.url)
		if err != nil {
			return root, err
		}
		*wanted.into = append(*wanted.into, made)
	}
	return root, nil
}

func newLog(file, url string) (made log, err error) {
	blocks, err := readPEM(file)
	if err != nil {
		return made, err
	}
	key, err := x509.ParsePKIXPublicKey(blocks[0])
	if err != nil {
		return made, err
	}
	made.BaseURL, made.HashAlgorithm = url, "SHA2_256"
	made.PublicKey.RawBytes, made.PublicKey.ValidFor = blocks[0], period{longAgo}
	// A log is known by the digest of its key: that of RFC 6962, or of Ed25519 as c2sp.org/signed-note
	// has it, with the origin of the checkpoints, which is Rekor 2's host name.
	var id [32]byte
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		made.PublicKey.KeyDetails, id = "PKIX_ECDSA_P256_SHA_256", sha256.Sum256(blocks[0])
	case ed25519.PublicKey:
		made.PublicKey.KeyDetails, id = "PKIX_ED25519", sha256.Sum256(append([]byte("localhost\n\x01"), key...))
	default:
		return made, fmt.Errorf("%s holds a key of another type: %T", file, key)
	}
	made.LogID.KeyID = id[:]
	return made, nil
}

func newAuthority(file, url string) (made authority, err error) {
	blocks, err := readPEM(file)
	if err != nil {
		return made, err
	}
	for _, block := range blocks {
		made.CertChain.Certificates = append(made.CertChain.Certificates, encoded{block})
	}
	first, err := x509.ParseCertificate(blocks[0])
	if err != nil {
		return made, err
	}
	last, err := x509.ParseCertificate(blocks[len(blocks)-1])
	if err != nil {
		return made, err
	}
	made.Subject.Organization = strings.Join(last.Subject.Organization, "")
	made.Subject.CommonName = last.Subject.CommonName
	made.URI, made.ValidFor = url, period{first.NotBefore.UTC().Format(time.RFC3339)}
	return made, nil
}

func writeJSON(file string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return writeFile(file, string(text))
}
