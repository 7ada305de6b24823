// Site is a private Sigstore on loopback: it starts the real servers (Fulcio, its CT log, Rekor 1 and
// 2, a timestamp authority), is the others itself, and obeys orders on its standard input. It is run
// by scripts/sigstore/start in a network namespace, because its ports are fixed.
//
//	site run HOME DIR [OPTION...]      everything; see orders.go
//	site trillian ADDRESS FILE         the storage of the CT log and of Rekor 1
//	site issuer DIR [denies|waits]     the OIDC issuer
//	site front DIR                     https before the services that speak plain http
//	site peers                         peers that misbehave, each on a port
//	site peer ADDRESS BEHAVIOUR [DIR]  one of them; with DIR behind TLS
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
}

func run(words []string) error {
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	switch word(0) {
	case "run":
		return runSite(word(1), word(2), words[min(3, len(words)):])
	case "trillian":
		return serveTrillian(word(1), word(2))
	case "issuer":
		return serveIssuer(word(1), word(2))
	case "front":
		return serveFront(word(1))
	case "peers":
		return servePeers()
	case "peer":
		return servePeer(word(1), word(2), word(3))
	}
	return fmt.Errorf("there is no command %q", word(0))
}
