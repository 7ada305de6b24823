//! `hashivault://`: a key that is refused, and a server that is not reached. The server is real.

use crate::failures::Signer;
use crate::site::Site;

#[test]
fn each_failure_has_its_own_message() {
    let site = Site::with(
        "openbao",
        &[
            "ec=ecdsa-p256",
            "p384=ecdsa-p384",
            "p521=ecdsa-p521",
            "ed25519=ed25519",
            "symmetric=aes256-gcm96",
            "no-read=ecdsa-p256",
            "no-sign=ecdsa-p256",
            "no-rights=ecdsa-p256",
        ],
    );
    let authority = site.of_server("ca.pem");
    let variables =
        [("VAULT_ADDR", super::ADDRESS), ("VAULT_TOKEN", "signer"), ("VAULT_CACERT", authority.as_str())];
    Signer { site: &site, more: "", good: "ec", keys: "hashivault://", variables: &variables }.fails(&[
        ("unknown", &[], 4,
         "error: {key} was not found in the key manager
    could not read data from transit key path: /transit/keys/unknown
hint: check the name; set TRANSIT_SECRET_ENGINE_PATH if the engine is not mounted at transit
"),
        ("symmetric", &[], 4,
         "error: {key} is not a signing key
    could not parse transit key keys data as map[string]interface{}
hint: create a key with `type=ecdsa-p256`
"),
        ("no-read", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    public key: Error making API request.
    URL: GET https://127.0.0.1:8200/v1/transit/keys/no-read
    Code: 403. Errors:
    * 1 error occurred:
        * permission denied
hint: check VAULT_TOKEN, and its policy: read on transit/keys/NAME, update on transit/sign/NAME/*
"),
        ("no-sign", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    signing {root}/tmp/aicr-XXXXXX/checksums.txt: signing bundle: error signing bundle: transit: failed to sign payload: Error making API request.
    URL: PUT https://127.0.0.1:8200/v1/transit/sign/no-sign/sha2-256
    Code: 403. Errors:
    * 1 error occurred:
        * permission denied
hint: check VAULT_TOKEN, and its policy: read on transit/keys/NAME, update on transit/sign/NAME/*
"),
        ("no-rights", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    public key: Error making API request.
    URL: GET https://127.0.0.1:8200/v1/transit/keys/no-rights
    Code: 403. Errors:
    * 1 error occurred:
        * permission denied
hint: check VAULT_TOKEN, and its policy: read on transit/keys/NAME, update on transit/sign/NAME/*
"),
        ("p384", &[], 2,
         "error: {key} is ECDSA P-384, with which some releases of cosign make signatures that do not verify
hint: use an ECDSA P-256 key, or RSA with 2048 to 4096 bits
"),
        ("p521", &[], 2,
         "error: {key} is ECDSA P-521, with which some releases of cosign make signatures that do not verify
hint: use an ECDSA P-256 key, or RSA with 2048 to 4096 bits
"),
        ("ed25519", &[], 2,
         "error: {key} is Ed25519, with which some releases of cosign make signatures that do not verify
hint: use an ECDSA P-256 key, or RSA with 2048 to 4096 bits
"),
        ("ec", &["VAULT_TOKEN=wrong"], 4,
         "error: {key} was refused by the key manager: it does not accept these credentials
    public key: Error making API request.
    URL: GET https://127.0.0.1:8200/v1/transit/keys/ec
    Code: 403. Errors:
    * permission denied
hint: check VAULT_TOKEN: the server does not know it, or it has expired or was revoked
"),
        ("ec", &["-VAULT_TOKEN"], 4,
         "error: {key} cannot be used: there are no credentials for its key manager
    kms get: read .vault-token file: open {root}/home/.vault-token: no such file or directory
hint: set VAULT_TOKEN
"),
        ("ec", &["TRANSIT_SECRET_ENGINE_PATH=elsewhere"], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    public key: Error making API request.
    URL: GET https://127.0.0.1:8200/v1/elsewhere/keys/ec
    Code: 403. Errors:
    * 1 error occurred:
        * permission denied
hint: check VAULT_TOKEN and its policy, and that TRANSIT_SECRET_ENGINE_PATH is where the engine is mounted
"),
        ("ec", &["-VAULT_ADDR"], 4,
         "error: {key} cannot be used: the address of its key manager is not set
    kms get: VAULT_ADDR or BAO_ADDR is not set
hint: set VAULT_ADDR, for example https://vault.example:8200
"),
        ("ec", &["VAULT_ADDR=http://127.0.0.1:8200"], 4,
         "error: {key} cannot be used: its server speaks TLS only
    public key: Error making API request.
    URL: GET http://127.0.0.1:8200/v1/transit/keys/ec
    Code: 400. Raw Message:
    Client sent an HTTP request to an HTTPS server.
hint: write https:// in VAULT_ADDR
"),
        ("ec", &["VAULT_ADDR=https://127.0.0.1:1"], 6,
         "error: {key} could not be reached: connection refused
    public key: Get \"https://127.0.0.1:1/v1/transit/keys/ec\": dial tcp 127.0.0.1:1: connect: connection refused
hint: check the address, and that the server is running
"),
        ("ec", &["VAULT_ADDR=https://vault.invalid:8200"], 6,
         "error: {key} could not be reached: its host name cannot be resolved
    (what cosign said)
hint: check the address, and the name servers of this machine
"),
        ("ec", &["VAULT_ADDR=https://198.51.100.1:8200"], 6,
         "error: {key} could not be reached: there is no network route to it
    public key: Get \"https://198.51.100.1:8200/v1/transit/keys/ec\": dial tcp 198.51.100.1:8200: connect: network is unreachable
hint: check the network route to the server
"),
        ("ec", &["VAULT_ADDR=https://198.51.100.1:8200", "HTTPS_PROXY=http://127.0.0.1:1"], 6,
         "error: {key} could not be reached: the connection to its proxy failed
    public key: Get \"https://198.51.100.1:8200/v1/transit/keys/ec\": proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused
hint: check HTTPS_PROXY; NO_PROXY lists the hosts that need no proxy
"),
        ("ec", &["VAULT_ADDR=https://203.0.113.1:8200"], 6,
         "error: {key} could not be reached: there is no network route to it
    public key: Get \"https://203.0.113.1:8200/v1/transit/keys/ec\": dial tcp 203.0.113.1:8200: connect: no route to host
hint: check the network route to the server
"),
        ("ec", &["VAULT_ADDR=https://wrong-name:8200"], 6,
         "error: {key} could not be reached: its server's certificate does not verify
    public key: Get \"https://wrong-name:8200/v1/transit/keys/ec\": tls: failed to verify certificate: x509: certificate is valid for localhost, cloudkms.googleapis.com, rig.vault.azure.net, login.microsoftonline.com, login.microsoft.com, not wrong-name
hint: check the server's name and certificate, and this machine's clock
"),
        ("ec", &["VAULT_CACERT={server}other.pem"], 6,
         "error: {key} could not be reached: its server's certificate is signed by an authority that is not trusted here
    public key: Get \"https://127.0.0.1:8200/v1/transit/keys/ec\": tls: failed to verify certificate: x509: certificate signed by unknown authority
hint: set SSL_CERT_FILE (for hashivault and openbao, VAULT_CACERT) to the certificate of the site's authority
"),
        ("ec", &["VAULT_CACERT={server}other.pem", "VAULT_SKIP_VERIFY=true", "COSIGN_ALLOW_INSECURE_REGISTRY=true"], 6,
         "warning: COSIGN_ALLOW_INSECURE_REGISTRY, VAULT_SKIP_VERIFY are ignored: use aicr's flags
error: {key} could not be reached: its server's certificate is signed by an authority that is not trusted here
    public key: Get \"https://127.0.0.1:8200/v1/transit/keys/ec\": tls: failed to verify certificate: x509: certificate signed by unknown authority
hint: set SSL_CERT_FILE (for hashivault and openbao, VAULT_CACERT) to the certificate of the site's authority
"),
        ("ec", &["-VAULT_CACERT"], 6,
         "error: {key} could not be reached: its server's certificate is signed by an authority that is not trusted here
    public key: Get \"https://127.0.0.1:8200/v1/transit/keys/ec\": tls: failed to verify certificate: x509: certificate signed by unknown authority
hint: set SSL_CERT_FILE (for hashivault and openbao, VAULT_CACERT) to the certificate of the site's authority
"),
        ("ec", &["VAULT_CACERT=/nowhere"], 4,
         "error: {key} cannot be used: the file in VAULT_CACERT cannot be read
    kms get: new vault client: error encountered setting up default configuration: Error loading CA File: open /nowhere: no such file or directory
hint: set VAULT_CACERT to the certificate of the site's authority
"),
    ]);
}
