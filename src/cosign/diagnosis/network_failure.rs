//! The one table of network failures: what Go and the system print when a connection fails, be it
//! to a key manager or to a service. All words are from recorded samples, but for the few that the
//! tests list.

/// A way in which a connection fails.
pub(super) struct NetworkFailure {
    /// Any of these, in lower case. No host name, URL or key name can contain one.
    pub(super) words: &'static [&'static str],
    /// The end of a sentence that begins with the key or the service.
    pub(super) reason: &'static str,
    /// What to do if it is a key manager.
    pub(super) key_hint: &'static str,
    /// What to do if it is a service.
    pub(super) service_hint: &'static str,
}

const fn row(words: &'static [&'static str], reason: &'static str, hint: &'static str) -> NetworkFailure {
    NetworkFailure { words, reason, key_hint: hint, service_hint: hint }
}

const PROXY: &str = "check HTTPS_PROXY; NO_PROXY lists the hosts that need no proxy";
const ADDRESS: &str = "check the address, and that the server is running";

/// The first that fits wins. A cause comes before what it causes: the text of a failed look-up also
/// has the refused connection to the name server.
pub(super) static NETWORK_FAILURES: &[NetworkFailure] = &[
    row(&["proxyconnect tcp: "], "could not be reached: the connection to its proxy failed", PROXY),
    row(
        // After the address, Go prints the text of the proxy's status and nothing else.
        &[
            "\": forbidden\n",
            "\": proxy authentication required\n",
            "\": bad gateway\n",
            "\": service unavailable\n",
            "\": gateway timeout\n",
        ],
        "could not be reached: its proxy refused the connection",
        PROXY,
    ),
    NetworkFailure {
        words: &["certificate signed by unknown authority"],
        reason: "could not be reached: its server's certificate is signed by an authority that is not trusted here",
        key_hint: "set SSL_CERT_FILE (for hashivault and openbao, VAULT_CACERT) to the certificate of the site's authority",
        service_hint: "set SSL_CERT_FILE to the certificate of the site's authority",
    },
    row(
        &["failed to verify certificate"],
        "could not be reached: its server's certificate does not verify",
        "check the server's name and certificate, and this machine's clock",
    ),
    row(
        &["dial tcp: lookup"],
        "could not be reached: its host name cannot be resolved",
        "check the address, and the name servers of this machine",
    ),
    row(&["connection refused"], "could not be reached: connection refused", ADDRESS),
    row(
        &["network is unreachable", "connect: no route to host", "connect: permission denied"],
        "could not be reached: there is no network route to it",
        "check the network route to the server",
    ),
    row(
        &["connection reset by peer", "\": eof\n"],
        "could not be reached: its server closed the connection",
        ADDRESS,
    ),
    NetworkFailure {
        words: &[
            "server gave http response to https client",
            "first record does not look like a tls handshake",
        ],
        reason: "could not be reached: its server does not speak TLS",
        key_hint: "check the address; another server may answer there",
        service_hint: "check the address; plain http:// works only for services on this machine",
    },
    row(
        &["deadline exceeded", "(client.timeout", "i/o timeout", "tls handshake timeout"],
        "could not be reached in time",
        ADDRESS,
    ),
];

/// The network failure that `text`, in lower case, is about.
pub(super) fn network_failure(text: &str) -> Option<&'static NetworkFailure> {
    let text = format!("{text}\n");
    NETWORK_FAILURES.iter().find(|failure| failure.words.iter().any(|word| text.contains(word)))
}
