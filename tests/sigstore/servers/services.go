package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed fulcio.yaml
var fulcioConfig string

//go:embed ctlog.cfg
var ctlogConfig string

// service is one server, a process of its own.
type service struct {
	name string
	// Where it listens; empty if that is more than one port.
	address string
	// It is there when this address answers anything, or this file exists.
	sign string
	// The services that must be there first.
	after []string
	// What an order may start it with.
	options []string
	// The arguments of the program of this name.
	arguments func(s *site, option string) ([]string, error)
}

// ours is a server that this program itself is.
func ours(words ...string) func(*site, string) ([]string, error) {
	return func(s *site, option string) ([]string, error) {
		made := []string{"site"}
		for _, word := range words {
			made = append(made, strings.ReplaceAll(word, "DIR", s.directory))
		}
		if option != "" {
			made = append(made, option)
		}
		return made, nil
	}
}

var services = []service{
	{name: "issuer", address: "127.0.0.1:8888", sign: people + "/keys", options: []string{"denies", "waits"}, arguments: ours("issuer", "DIR")},
	{name: "trillian", address: "127.0.0.1:8090", sign: "trees", arguments: ours("trillian", "127.0.0.1:8090", "DIR/trees")},
	{name: "front", sign: "https://localhost:15555", arguments: ours("front", "DIR")},
	{name: "peers", sign: "http://localhost:4503", arguments: ours("peers")},
	{name: "tsa", address: "127.0.0.1:3004", sign: "http://localhost:3004/ping", arguments: func(s *site, _ string) ([]string, error) {
		return s.words(`tsa serve --host 127.0.0.1 --port 3004 --timestamp-signer file
			--file-signer-key-path DIR/tsa.key --file-signer-passwd site --certificate-chain-path DIR/tsa.pem
			--disable-ntp-monitoring`), nil
	}},
	{name: "rekor2", address: "127.0.0.1:3003", sign: plain.rekor2 + "/healthz", options: []string{"frozen"}, arguments: func(s *site, option string) ([]string, error) {
		// Its host name is the origin of its checkpoints. It looks every second whether there is a new one.
		return s.words(`rekor2 serve --hostname localhost --http-address 127.0.0.1 --http-port 3003
			--grpc-address 127.0.0.1 --grpc-port 3005 --http-metrics-port 2113
			--storage-dir DIR/tiles --signer-filepath DIR/rekor2.key --checkpoint-interval 200ms --persistent-antispam
			--read-only=` + strconv.FormatBool(option == "frozen")), nil
	}},
	// The timestamp authority takes port 2112 too, and ends when it cannot have it; Rekor 1 does not mind.
	{name: "rekor1", address: "127.0.0.1:3000", sign: plain.rekor1 + "/api/v1/log", after: []string{"trillian", "tsa"}, arguments: func(s *site, _ string) ([]string, error) {
		tree, err := s.tree(1)
		return s.words(`rekor1 serve --rekor_server.address 127.0.0.1 --rekor_server.hostname localhost --port 3000
			--rekor_server.signer DIR/rekor1.key --trillian_log_server.address 127.0.0.1
			--trillian_log_server.port 8090 --trillian_log_server.tlog_id ` + tree + ` --enable_retrieve_api=false`), err
	}},
	{name: "ctlog", address: "127.0.0.1:6962", sign: plain.ctlog + "/ct/v1/get-sth", after: []string{"trillian"}, arguments: func(s *site, _ string) ([]string, error) {
		tree, err := s.tree(0)
		if err != nil {
			return nil, err
		}
		config := strings.NewReplacer("TREE", tree, "DIR", s.directory).Replace(ctlogConfig)
		return s.words(`ctlog --http_endpoint 127.0.0.1:6962 --log_rpc_server 127.0.0.1:8090
			--log_config DIR/ctlog.cfg --logtostderr`), writeFile(s.path("ctlog.cfg"), config)
	}},
	{name: "fulcio", address: "127.0.0.1:5555", sign: plain.fulcio + "/healthz", after: []string{"issuer"}, options: []string{"without-ct"}, arguments: func(s *site, option string) ([]string, error) {
		authority, err := os.ReadFile(s.path("ca.pem"))
		if err != nil {
			return nil, err
		}
		config := strings.NewReplacer("PEOPLE", people, "WORKFLOWS", workflows, "AUTHORITY", fmt.Sprintf("%q", authority)).Replace(fulcioConfig)
		ctlog := plain.ctlog
		if option == "without-ct" {
			ctlog = ""
		}
		return s.words(`fulcio serve --ca fileca --fileca-cert DIR/fulcio.pem --fileca-key DIR/fulcio.key
			--fileca-key-passwd site --fileca-watch=false --host 127.0.0.1 --port 5555 --grpc-host 127.0.0.1
			--grpc-port 5554 --metrics-port 2114 --config-path DIR/fulcio.yaml --ct-log-url=` + ctlog), writeFile(s.path("fulcio.yaml"), config)
	}},
}

// words are those of a command line, with the directory in its place.
func (s *site) words(line string) []string {
	made := strings.Fields(line)
	for i := range made {
		made[i] = strings.ReplaceAll(made[i], "DIR", s.directory)
	}
	return made
}

// path is that of a file of the site.
func (s *site) path(name string) string {
	return filepath.Join(s.directory, name)
}

// tree is the number of one of Trillian's logs.
func (s *site) tree(line int) (string, error) {
	text, err := os.ReadFile(s.path("trees"))
	numbers := strings.Fields(string(text))
	if err != nil || line >= len(numbers) {
		return "", fmt.Errorf("trillian has no logs: %w", err)
	}
	return numbers[line], nil
}
