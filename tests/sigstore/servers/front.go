package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
)

// serveFront is https, with the site's own authority, before each service that speaks plain http.
func serveFront(directory string) error {
	failed := make(chan error)
	for address, service := range map[string]string{
		"127.0.0.1:13000": plain.rekor1,
		"127.0.0.1:13003": plain.rekor2,
		"127.0.0.1:13004": "http://localhost:3004",
		"127.0.0.1:15555": plain.fulcio,
	} {
		to, err := url.Parse(service)
		if err != nil {
			return err
		}
		proxy := httputil.NewSingleHostReverseProxy(to)
		go func() {
			failed <- http.ListenAndServeTLS(address, filepath.Join(directory, "server.pem"), filepath.Join(directory, "server.key"), proxy)
		}()
	}
	return <-failed
}
