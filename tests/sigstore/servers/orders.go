package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// obey does what each line says and answers `ok`, sometimes with a value, or `failed: ` and why:
//
//	stop SERVICE               nothing listens there any more
//	start SERVICE [OPTION]     fulcio: without-ct; issuer: denies, waits; rekor2: frozen
//	restart SERVICE [OPTION]
//	pause SERVICE              it accepts connections and does not answer
//	resume SERVICE             rekor2 refuses what comes together with a request that was given up: restart it instead
//	replace SERVICE BEHAVIOUR  a peer that misbehaves is where it was: hang, reset, or a status; restart ends that
//	mint KIND FILE [CLAIMS]    a token of a person, a workflow, or another, with these claims changed, null to remove one
//	entries LOG                how many entries rekor1 or rekor2 has: the value
func (s *site) obey(orders io.Reader, answers io.Writer) error {
	lines := bufio.NewScanner(orders)
	for lines.Scan() {
		value, err := s.order(lines.Text())
		if err != nil {
			// One line, whatever it says.
			fmt.Fprintf(answers, "failed: %s\n", strings.ReplaceAll(err.Error(), "\n", " | "))
		} else {
			fmt.Fprintln(answers, strings.TrimSpace("ok "+value))
		}
	}
	return lines.Err()
}

func (s *site) order(line string) (string, error) {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "mint":
		kind, rest, _ := strings.Cut(rest, " ")
		file, changes, _ := strings.Cut(rest, " ")
		token, err := mint(s.directory, kind, changes)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(file) {
			file = s.path(file)
		}
		return "", writeFile(file, token)
	case "entries":
		return s.entries(rest)
	}

	name, option, _ := strings.Cut(rest, " ")
	found := slices.IndexFunc(services, func(service service) bool { return service.name == name })
	if found < 0 {
		return "", fmt.Errorf("there is no service %q", name)
	}
	service := services[found]
	runs := s.running[name] != nil
	switch verb {
	case "start", "restart", "replace":
		if name == "trillian" {
			return "", fmt.Errorf("trillian has its logs in memory and is started once")
		}
		if verb != "replace" && option != "" && !slices.Contains(service.options, option) {
			return "", fmt.Errorf("%s has no option %q", name, option)
		}
		if verb == "start" && runs {
			return "", fmt.Errorf("%s runs already", name)
		}
		if runs {
			if err := s.stop(name); err != nil {
				return "", err
			}
		}
		if verb == "replace" {
			return "", s.replace(service, option)
		}
		return "", s.start(service, option)
	case "stop", "pause", "resume":
		if !runs {
			return "", fmt.Errorf("%s does not run", name)
		}
		switch verb {
		case "pause":
			return "", s.running[name].Process.Signal(syscall.SIGSTOP)
		case "resume":
			return "", s.running[name].Process.Signal(syscall.SIGCONT)
		}
		return "", s.stop(name)
	}
	return "", fmt.Errorf("there is no order %q", verb)
}

// replace has a peer that misbehaves listen where the service did.
func (s *site) replace(of service, behaviour string) error {
	if of.address == "" {
		return fmt.Errorf("%s listens in more than one place", of.name)
	}
	words := []string{"site", "peer", of.address, behaviour}
	if strings.HasPrefix(of.sign, "https:") {
		words = append(words, s.directory)
	}
	if err := s.run(of.name, words); err != nil {
		return err
	}
	return s.awaitThat(of.name, func() bool {
		connection, err := net.Dial("tcp", of.address)
		if err != nil {
			return false
		}
		return connection.Close() == nil
	})
}

// entries is how many a log has.
func (s *site) entries(log string) (string, error) {
	switch log {
	case "rekor1":
		text, err := s.get(plain.rekor1 + "/api/v1/log")
		if err != nil {
			return "", err
		}
		var found struct{ TreeSize json.Number }
		err = json.Unmarshal(text, &found)
		return found.TreeSize.String(), err
	case "rekor2":
		text, err := os.ReadFile(s.path("tiles/checkpoint"))
		if lines := strings.Split(string(text), "\n"); len(lines) > 1 {
			return lines[1], nil
		}
		return "", err
	}
	return "", fmt.Errorf("there is no log %q; there are rekor1 and rekor2", log)
}
