//! The words by which failures of the services of a Sigstore are told apart: first which of them it was,
//! then what it did. Every rule was made from samples: see the tests.

use super::super::sigstore::{Role, Sigstore};
use crate::error::{Class, Failure};

/// What a failed `sign-blob` comes down to when a service did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceDiagnosis {
    class: Class,
    message: String,
    hint: &'static str,
    /// Whether a better hint may stand in the identity token.
    about_the_token: bool,
}

impl ServiceDiagnosis {
    /// The failure; `fault` is what is wrong with the identity token, if that is known.
    pub(crate) fn failure(self, fault: Option<String>) -> Failure {
        let failure = Failure::new(self.class, self.message);
        let fault = fault.filter(|_| self.about_the_token);
        failure.hint(fault.unwrap_or_else(|| self.hint.to_owned()))
    }
}

/// What `text`, the stderr of a `sign-blob` that failed, says of the services of `sigstore`; nothing if it
/// was none of them.
pub(crate) fn of_service_failure(text: &[u8], sigstore: &Sigstore) -> Option<ServiceDiagnosis> {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let role = role(&text)?;
    let rule = RULES.iter().find(|rule| {
        rule.role.is_none_or(|only| only == role) && rule.words.iter().any(|word| text.contains(word))
    })?;
    let name = role.name();
    let service = match sigstore {
        Sigstore::None => return None,
        Sigstore::Public => format!("the {name} of the public Sigstore"),
        Sigstore::Private(private) => {
            let services = private.services();
            let hosts: Vec<_> = services
                .iter()
                .filter(|(of, _)| *of == role)
                .map(|(_, service)| service.url().host())
                .collect();
            format!("the {name} at {}", hosts.join(" or "))
        }
    };
    Some(ServiceDiagnosis {
        class: rule.class,
        message: format!("{service} {}", rule.reason),
        hint: rule.hint,
        about_the_token: rule.about_the_token,
    })
}

/// Which service a text is about. All but the last lines talk of what went well.
fn role(text: &str) -> Option<Role> {
    const WORDS: [(Role, &[&str]); 3] = [
        (
            Role::CertificateAuthority,
            &[
                "fulcio",
                "signingcert",
                "retrieving cert",
                "verifying sct",
                "identity token",
                "id token",
                "getting certificate",
            ],
        ),
        (Role::TimestampAuthority, &["timestamp"]),
        (Role::Log, &["rekor", "log/entries", "tlog", "log inclusion", "log entr", "transparency log"]),
    ];
    let error = text.rfind("error: ").map_or(text, |at| &text[at..]);
    WORDS.iter().find(|(_, words)| words.iter().any(|word| error.contains(word))).map(|(role, _)| *role)
}

/// A rule: any of these words, in lower case, anywhere in the text.
struct Rule {
    /// For this service alone.
    role: Option<Role>,
    words: &'static [&'static str],
    class: Class,
    reason: &'static str,
    hint: &'static str,
    about_the_token: bool,
}

const fn rule(
    role: Option<Role>,
    words: &'static [&'static str],
    class: Class,
    reason: &'static str,
    hint: &'static str,
) -> Rule {
    Rule { role, words, class, reason, hint, about_the_token: false }
}

const WHERE: &str = "is it running, and is its address right?";
const LATER: &str = "try again later; nothing was left behind";
const STRANGE: &str = "is its address right? a proxy or a portal may have answered in its place";

/// The first that fits wins, so the more telling come first.
const RULES: &[Rule] = &[
    // What a log says.
    rule(
        Some(Role::Log),
        &["an equivalent entry already exists", "createlogentryconflict"],
        Class::NotSigned,
        "has this very signature already, and takes none twice",
        "an RSA key signs the same manifest in the same way each time: take the bundle that was signed then, or use an ECDSA P-256 key",
    ),
    rule(
        Some(Role::Log),
        &["log has been frozen"],
        Class::NotSigned,
        "takes no more entries",
        "name the log that follows it",
    ),
    rule(
        Some(Role::Log),
        &[
            "not enough verified log entries",
            "failed to verify log inclusion",
            "inclusion proof",
            "checkpoint",
        ],
        Class::NotSigned,
        "gave an entry that its key in the trusted root does not verify, and the entry is in the log for good",
        "is the trusted root that of this log?",
    ),
    rule(
        Some(Role::Log),
        &["unexpected response: 404", "[404]", "returned 404", "status 404", "not found"],
        Class::NotSigned,
        "has no such address",
        "is its address right, and is it of the Rekor version that the trusted root or the signing config says?",
    ),
    // What a certificate authority says.
    Rule {
        role: Some(Role::CertificateAuthority),
        words: &["error processing the identity token", "returned 401", "returned 403"],
        class: Class::NotSigned,
        reason: "refused the identity token",
        hint: "the reason is in its own log; the usual ones are a token that expired, is for another audience, or is of an issuer that it does not know",
        about_the_token: true,
    },
    rule(
        Some(Role::CertificateAuthority),
        &["not verified by identity provider"],
        Class::NotSigned,
        "was not asked: the token's issuer has not verified the e-mail address in it",
        "have the address verified by the issuer",
    ),
    rule(
        Some(Role::CertificateAuthority),
        &["fetching ambient oidc credentials"],
        Class::NotSigned,
        "was not asked: there is no identity token to be had here",
        "the provider of the job refused or was not reached; --identity-token FILE gives a token that is at hand",
    ),
    rule(
        Some(Role::CertificateAuthority),
        &["verifying sct", "sct entries"],
        Class::NotSigned,
        "gave a certificate that no certificate transparency log of the trusted root has seen",
        "is the trusted root that of this authority, and does it log what it certifies?",
    ),
    // What a timestamp authority says.
    rule(
        Some(Role::TimestampAuthority),
        &[
            "after the validity period",
            "before the validity period",
            "threshold not met for verified signed timestamps",
        ],
        Class::NotSigned,
        "gave a timestamp that the trusted root does not verify",
        "is the trusted root that of this authority, and does it still count? check the clocks",
    ),
    // What any of them says, or does not.
    rule(
        None,
        &["no matching services found"],
        Class::NotSigned,
        "is not to be used now: it is outside of its time in the signing config",
        "check this machine's clock, and the validFor of the signing config",
    ),
    rule(
        None,
        &["certificate signed by unknown authority"],
        Class::Unproven,
        "could not be reached: its server's certificate is signed by an authority that is not trusted here",
        "set SSL_CERT_FILE to the certificate of the site's authority",
    ),
    rule(
        None,
        &["failed to verify certificate"],
        Class::Unproven,
        "could not be reached: its server's certificate does not verify",
        "check the server's name and certificate, and this machine's clock",
    ),
    rule(None, &["connection refused"], Class::Unproven, "could not be reached: connection refused", WHERE),
    rule(
        None,
        &["dial tcp: lookup", "no such host"],
        Class::Unproven,
        "could not be reached: its host name is not known here",
        "check its address, and the name servers of this machine",
    ),
    rule(
        None,
        &["network is unreachable", "no route to host"],
        Class::Unproven,
        "could not be reached: there is no network to it from here",
        "check the route to it; --tlog-upload=false signs with a key and without a log",
    ),
    rule(
        None,
        &["deadline exceeded", "client.timeout", "i/o timeout", "tls handshake timeout", "request canceled"],
        Class::Unproven,
        "could not be reached in time",
        WHERE,
    ),
    rule(None, &["connection reset", "eof"], Class::Unproven, "broke off", WHERE),
    rule(
        None,
        &[
            "returned 5",
            "response: 5",
            "[5",
            "status 5",
            "returned 429",
            "response: 429",
            "[429]",
            "status 429",
            "read on closed response body",
            "giving up after",
        ],
        Class::Unproven,
        "is out of order, or too busy",
        LATER,
    ),
    rule(
        None,
        &["returned 4", "response: 4", "[4", "status 4"],
        Class::NotSigned,
        "refused",
        "what it says is its own; is it of the version that the signing config says?",
    ),
    rule(
        None,
        &[
            "unmarshaling response",
            "proto: syntax error",
            "invalid character",
            "structure error",
            "nil value",
            "bad response",
            "parsing",
            "cannot unmarshal",
            "is not supported by the textconsumer",
            "unexpected content",
        ],
        Class::NotSigned,
        "gave an answer that cosign does not understand",
        STRANGE,
    ),
];
