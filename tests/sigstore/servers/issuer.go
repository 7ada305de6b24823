package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"math/big"
	"net/http"
	"path/filepath"
	"sync"
)

// The bearer token that the runner of a workflow has.
const runnerToken = "runner"

// issuer is two OIDC issuers: one for people, who sign in by the device flow, and below /actions one
// that gives a token to whoever runs a workflow, as GitHub Actions does.
type issuer struct {
	directory string
	// What it does when a person is asked: "" signs in at once, "denies", or "waits" without end.
	mood string

	mutex   sync.Mutex
	devices map[string]device // by code
}

// device is what waits for a token: the client, which need not name itself again, and its challenge of PKCE.
type device struct{ client, challenge string }

func serveIssuer(directory, mood string) error {
	key, err := issuerKey(directory)
	if err != nil {
		return err
	}
	i := &issuer{directory: directory, mood: mood, devices: map[string]device{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", always(claims{
		"issuer":                                people,
		"authorization_endpoint":                people + "/auth",
		"device_authorization_endpoint":         people + "/device",
		"token_endpoint":                        people + "/token",
		"jwks_uri":                              people + "/keys",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"code_challenge_methods_supported":      []string{"S256"},
	}))
	mux.HandleFunc("GET /actions/.well-known/openid-configuration", always(claims{
		"issuer":                                workflows,
		"jwks_uri":                              people + "/keys",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	}))
	mux.HandleFunc("GET /keys", always(claims{"keys": []claims{{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
		"n": base64url(key.N.Bytes()), "e": base64url(big.NewInt(int64(key.E)).Bytes()),
	}}}))
	mux.HandleFunc("POST /device", i.device)
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /actions/token", i.workflow)
	return http.ListenAndServeTLS("127.0.0.1:8888", filepath.Join(directory, "server.pem"), filepath.Join(directory, "server.key"), mux)
}

// device begins a sign-in. No page has to be visited: the token is available at once.
func (i *issuer) device(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("code_challenge_method") != "S256" || r.PostFormValue("code_challenge") == "" {
		answer(w, http.StatusBadRequest, claims{"error": "invalid_request"})
		return
	}
	code := rand.Text()
	i.mutex.Lock()
	i.devices[code] = device{r.PostFormValue("client_id"), r.PostFormValue("code_challenge")}
	i.mutex.Unlock()
	answer(w, http.StatusOK, claims{
		"device_code": code, "user_code": "ABCD-EFGH", "expires_in": 300, "interval": 1,
		"verification_uri": people + "/activate", "verification_uri_complete": people + "/activate?user_code=ABCD-EFGH",
	})
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(why string) { answer(w, http.StatusBadRequest, claims{"error": why}) }
	verifier := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	i.mutex.Lock()
	device := i.devices[r.PostFormValue("device_code")]
	i.mutex.Unlock()
	switch {
	case r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:device_code":
		refuse("unsupported_grant_type")
	case device.challenge == "" || device.challenge != base64url(verifier[:]):
		refuse("invalid_grant")
	case i.mood == "denies":
		refuse("access_denied")
	case i.mood == "waits":
		refuse("authorization_pending")
	default:
		i.hand(w, "person", device.client, func(token string) claims {
			return claims{"access_token": "none", "token_type": "bearer", "id_token": token}
		})
	}
}

// workflow answers ACTIONS_ID_TOKEN_REQUEST_URL, which ends in a query for a client to add to.
func (i *issuer) workflow(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "bearer "+runnerToken {
		answer(w, http.StatusUnauthorized, claims{"message": "the runner's token is another one"})
		return
	}
	i.hand(w, "workflow", r.FormValue("audience"), func(token string) claims { return claims{"value": token} })
}

func (i *issuer) hand(w http.ResponseWriter, kind, audience string, wrapped func(string) claims) {
	made, err := identity(kind)
	if err == nil {
		made["aud"] = audience
		var token string
		if token, err = made.signed(i.directory); err == nil {
			answer(w, http.StatusOK, wrapped(token))
			return
		}
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

func always(body claims) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, body) }
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever went away needs no answer
}
