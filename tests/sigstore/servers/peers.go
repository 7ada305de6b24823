package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
)

// Each answers everything with one of these: the page of a captive portal (200), an empty object
// (201), or an error.
var statuses = []int{200, 201, 400, 401, 403, 404, 405, 409, 429, 500, 502, 503}

// servePeers runs one that accepts and never answers on port 4000, one that resets the connection once
// something was sent on 4001, and one for each status on 4000 and the status.
func servePeers() error {
	behaviours := map[int]string{4000: "hang", 4001: "reset"}
	for _, status := range statuses {
		behaviours[4000+status] = strconv.Itoa(status)
	}
	failed := make(chan error)
	for port, behaviour := range behaviours {
		go func() { failed <- servePeer(fmt.Sprintf("127.0.0.1:%d", port), behaviour, "") }()
	}
	return <-failed
}

// servePeer behaves as this address says.
func servePeer(address, behaviour, directory string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	switch behaviour {
	case "hang":
		return each(listener, func(*net.TCPConn) {})
	case "reset":
		return each(listener, func(connection *net.TCPConn) {
			_, _ = connection.Read(make([]byte, 1))
			_ = connection.SetLinger(0)
			_ = connection.Close()
		})
	}
	status, err := strconv.Atoi(behaviour)
	if err != nil {
		return fmt.Errorf("there is no behaviour %q; there are hang, reset and every status", behaviour)
	}
	if directory != "" {
		pair, err := tls.LoadX509KeyPair(filepath.Join(directory, "server.pem"), filepath.Join(directory, "server.key"))
		if err != nil {
			return err
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}})
	}
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch status {
		case http.StatusOK:
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintln(w, "<!doctype html><title>Sign in</title><p>Sign in to use this network.")
		case http.StatusCreated:
			answer(w, status, claims{})
		default:
			answer(w, status, claims{"code": status, "message": "this peer answers everything with " + behaviour})
		}
	}))
}

func each(listener net.Listener, act func(*net.TCPConn)) error {
	var kept []net.Conn // or the collector would close them
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		kept = append(kept, connection)
		go act(connection.(*net.TCPConn))
	}
}
