package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"
)

// Where the issuers are. Fulcio takes the subject of the first one's tokens from the claim `email`,
// and that of the second one's, which is like GitHub Actions, from the workflow.
const (
	people    = "https://localhost:8888"
	workflows = people + "/actions"
)

type claims map[string]any

// identity is the claims of a token that Fulcio accepts, from now on for ten minutes.
func identity(kind string) (claims, error) {
	now := time.Now().Unix()
	made := claims{"aud": "sigstore", "iat": now, "nbf": now - 5, "exp": now + 600}
	add := claims{}
	switch kind {
	case "person", "other":
		add = claims{"iss": people, "sub": "dev", "email": "dev@example.test", "email_verified": true}
	case "workflow":
		const repository, ref, sha = "example/release", "refs/heads/main", "1111111111111111111111111111111111111111"
		const workflow = repository + "/.github/workflows/release.yml@" + ref
		add = claims{
			"iss": workflows, "sub": "repo:" + repository + ":ref:" + ref, "event_name": "push", "ref": ref,
			"repository": repository, "repository_id": "1", "repository_owner": "example", "repository_owner_id": "2",
			"repository_visibility": "private", "run_attempt": "1", "run_id": "3", "runner_environment": "self-hosted",
			"sha": sha, "workflow": "release", "workflow_ref": workflow, "workflow_sha": sha,
			"job_workflow_ref": workflow, "job_workflow_sha": sha,
		}
	default:
		return nil, fmt.Errorf("there is no identity %q; there are person, workflow and other", kind)
	}
	for name, value := range add {
		made[name] = value
	}
	return made, nil
}

// mint makes a token of this kind with these claims changed; null removes one. An `other` has the
// claims of a person, and a signature by a key that the issuer does not have.
func mint(directory, kind, changes string) (string, error) {
	made, err := identity(kind)
	if err != nil {
		return "", err
	}
	if changes != "" {
		if err := json.Unmarshal([]byte(changes), &made); err != nil {
			return "", fmt.Errorf("the claims are no JSON object: %w", err)
		}
	}
	for name, value := range made {
		if value == nil {
			delete(made, name)
		}
	}
	if kind == "other" {
		directory = filepath.Join(directory, "other")
	}
	return made.signed(directory)
}

// signed is a token with these claims, by the key of the issuer in this directory.
func (c claims) signed(directory string) (string, error) {
	key, err := issuerKey(directory)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	token := base64url([]byte(`{"alg":"RS256","typ":"JWT","kid":"1"}`)) + "." + base64url(body)
	digest := sha256.Sum256([]byte(token))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	return token + "." + base64url(signature), err
}

func issuerKey(directory string) (*rsa.PrivateKey, error) {
	file := filepath.Join(directory, "issuer.key")
	key, err := readPrivateKey(file)
	if err != nil {
		return nil, err
	}
	if key, is := key.(*rsa.PrivateKey); is {
		return key, nil
	}
	return nil, fmt.Errorf("%s is no RSA key", file)
}

func base64url(bytes []byte) string {
	return base64.RawURLEncoding.EncodeToString(bytes)
}
