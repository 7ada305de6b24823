package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// How long a service may take to be there.
const patience = 60 * time.Second

// site is the services that run, and where their files are.
type site struct {
	programs, directory string
	running             map[string]*running
	client              *http.Client
}

// running is a process of a service.
type running struct {
	*exec.Cmd
	ended chan struct{}
	// Whether it has to end.
	ending atomic.Bool
}

// runSite starts everything, obeys orders until standard input ends, and ends everything.
func runSite(programs, directory string, options []string) error {
	for _, option := range options {
		if option != "empty-logs" {
			return fmt.Errorf("there is no option %q; there is empty-logs", option)
		}
	}
	// A service ends with the thread that started it, so that none is left if this process is killed.
	runtime.LockOSThread()
	s := &site{programs: programs, directory: directory, running: map[string]*running{}}
	defer s.end()
	authority, err := os.ReadFile(s.path("ca.pem"))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	s.client = &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	if err := os.MkdirAll(s.path("log"), 0o755); err != nil {
		return err
	}
	if err := writeTrust(directory); err != nil {
		return err
	}
	if err := s.startAll(!slices.Contains(options, "empty-logs")); err != nil {
		return err
	}
	fmt.Println("ready")
	return s.obey(os.Stdin, os.Stdout)
}

// startAll starts every service as soon as those are there that it wants first.
func (s *site) startAll(fill bool) error {
	filled := make(chan error, 2)
	there := map[string]bool{}
	for left := services; len(left) > 0; {
		var now, later []service
		for _, service := range left {
			if slices.ContainsFunc(service.after, func(name string) bool { return !there[name] }) {
				later = append(later, service)
			} else {
				now = append(now, service)
			}
		}
		for _, service := range now {
			if err := s.launch(service, ""); err != nil {
				return err
			}
		}
		for _, service := range now {
			if err := s.await(service); err != nil {
				return err
			}
			there[service.name] = true
			switch {
			case !fill:
			case service.name == "rekor1":
				go func() { filled <- s.fillRekor1() }()
			case service.name == "rekor2":
				go func() { filled <- s.fillRekor2() }()
			}
		}
		left = later
	}
	if fill {
		return errors.Join(<-filled, <-filled)
	}
	return nil
}

// start starts a service and waits until it is there.
func (s *site) start(service service, option string) error {
	if err := s.launch(service, option); err != nil {
		return err
	}
	return s.await(service)
}

func (s *site) launch(service service, option string) error {
	words, err := service.arguments(s, option)
	if err != nil {
		return err
	}
	return s.run(service.name, words)
}

// run starts a process in the place of a service. What it prints is added to the service's log.
func (s *site) run(name string, words []string) error {
	file, err := os.OpenFile(s.path("log/"+name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	r := &running{Cmd: exec.Command(filepath.Join(s.programs, words[0]), words[1:]...), ended: make(chan struct{})}
	r.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.directory}
	r.Dir, r.Stdout, r.Stderr = s.directory, file, file
	r.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.Start(); err != nil {
		return err
	}
	s.running[name] = r
	go func() {
		err := r.Wait()
		if !r.ending.Load() {
			fmt.Fprintf(os.Stderr, "site: %s ended: %v; it said:\n%s\n", name, err, s.lastWords(name))
		}
		close(r.ended)
	}()
	return nil
}

// lastWords are the last lines that a service printed.
func (s *site) lastWords(name string) string {
	text, _ := os.ReadFile(s.path("log/" + name))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// await waits until a service gives its sign.
func (s *site) await(service service) error {
	return s.awaitThat(service.name, func() bool {
		if !strings.Contains(service.sign, "://") {
			_, err := os.Stat(s.path(service.sign))
			return err == nil
		}
		_, err := s.get(service.sign)
		return err == nil
	})
}

// awaitThat waits until this is so of the process that runs in the place of a service.
func (s *site) awaitThat(name string, so func() bool) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if so() {
			return nil
		}
		select {
		case <-s.running[name].ended:
			return fmt.Errorf("%s ended before it was there", name)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s is not there after %s; it said:\n%s", name, patience, s.lastWords(name))
}

func (s *site) get(url string) ([]byte, error) {
	response, err := s.client.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// post is for what a service must accept.
func (s *site) post(url string, body []byte) error {
	response, err := s.client.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s answers %s: %s", url, response.Status, text)
	}
	return nil
}

// stop ends a service, even one that is paused.
func (s *site) stop(name string) error {
	r := s.running[name]
	r.ending.Store(true)
	if err := r.Process.Kill(); err != nil {
		return err
	}
	<-r.ended
	delete(s.running, name)
	return nil
}

// end ends what runs. Whatever cannot be ended has ended.
func (s *site) end() {
	for name := range s.running {
		_ = s.stop(name)
	}
}
