//! The words by which failures of the services of a Sigstore are told apart, once it is clear whose it was.
//! Every rule was made from samples: see the tests.

use super::super::recording_services::Role;
use super::failed_service::{FailedParty, Unreachable};
use crate::error::Class::{self, NotSigned, Unproven};

/// A rule: what was answered, and any of these words, in lower case, in what is left of the text; none stand
/// for any text.
pub(super) struct ServiceRule {
    /// For this one alone.
    whose: Option<FailedParty>,
    answer: Answer,
    pub(super) words: &'static [&'static str],
    pub(super) class: Class,
    /// The end of a sentence that begins with whose it was.
    pub(super) reason: &'static str,
    pub(super) hint: &'static str,
    /// Whether a better hint may stand in the identity token.
    pub(super) about_the_token: bool,
    /// Whether it comes out only after a log was told of the signature.
    pub(super) too_late: bool,
}

/// An answer in HTTP.
#[derive(Clone, Copy)]
enum Answer {
    /// None that was told.
    None,
    /// One that means that it was done, whatever it says.
    Odd,
    /// Not now: 408, 429, and 500 and up.
    Busy,
    /// No: all the others from 400 on.
    No,
    /// This one.
    Status(u16),
}

impl Answer {
    fn is(self, status: Option<u16>) -> bool {
        let Some(status) = status else { return matches!(self, Self::None) };
        match self {
            Self::None => false,
            Self::Odd => status < 400,
            Self::Busy => status >= 500 || [408, 429].contains(&status),
            Self::No => status >= 400 && !Self::Busy.is(Some(status)),
            Self::Status(wanted) => status == wanted,
        }
    }
}

impl ServiceRule {
    /// Whether this is about `blame`.
    pub(super) fn fits(&self, blame: &Unreachable<'_>) -> bool {
        let about = self.words.is_empty() || self.words.iter().any(|word| blame.rest.contains(word));
        about && self.answer.is(blame.status) && self.whose.is_none_or(|whose| whose == blame.whose)
    }

    const fn of(self, whose: FailedParty) -> Self {
        Self { whose: Some(whose), ..self }
    }

    const fn about_the_token(self) -> Self {
        Self { about_the_token: true, ..self }
    }

    const fn too_late(self) -> Self {
        Self { too_late: true, ..self }
    }
}

const fn rule(
    class: Class,
    answer: Answer,
    words: &'static [&'static str],
    reason: &'static str,
    hint: &'static str,
) -> ServiceRule {
    ServiceRule { whose: None, answer, words, class, reason, hint, about_the_token: false, too_late: false }
}

/// It did not want to, or did it wrong.
const fn refused(
    answer: Answer,
    words: &'static [&'static str],
    reason: &'static str,
    hint: &'static str,
) -> ServiceRule {
    rule(NotSigned, answer, words, reason, hint)
}

/// Nothing was heard of it.
const fn unreachable(
    words: &'static [&'static str],
    reason: &'static str,
    hint: &'static str,
) -> ServiceRule {
    rule(Unproven, Answer::None, words, reason, hint)
}

const LOG: FailedParty = FailedParty::Service(Role::Log);
const CERTIFICATE: FailedParty = FailedParty::Service(Role::CertificateAuthority);
const TIMESTAMP: FailedParty = FailedParty::Service(Role::TimestampAuthority);

const WHERE: &str = "is it running, and is its address right?";
const LATER: &str = "try again later; nothing was left behind";
const PROXY: &str = "is HTTPS_PROXY right? NO_PROXY names the hosts that need no proxy";

/// What nothing else fits: it was talked to, and what came of it is not known here.
pub(super) const STRANGE: ServiceRule = refused(
    Answer::None,
    &[],
    "gave an answer that cosign does not understand",
    "is its address right? a proxy or a portal may have answered in its place",
);

/// The first that fits wins, so the more telling come first.
pub(super) const RULES: &[ServiceRule] = &[
    // What a log says, and how its entry turns out.
    refused(
        Answer::Status(409),
        &["an equivalent entry already exists"],
        "has this very signature already, and takes none twice",
        "an RSA key signs the same manifest in the same way each time: take the bundle that was signed then, or use an ECDSA P-256 key",
    )
    .of(LOG),
    refused(
        Answer::Status(405),
        &["has been frozen"],
        "takes no more entries",
        "name the log that follows it",
    )
    .of(LOG),
    refused(
        Answer::Status(404),
        &[],
        "has no such address",
        "is its address right, and is it of the Rekor version that the trusted root or the signing config says?",
    )
    .of(LOG),
    refused(
        Answer::None,
        &["not enough verified log entries"],
        "gave an entry that the trusted root does not verify",
        "is the trusted root that of this log?",
    )
    .of(LOG)
    .too_late(),
    // What a certificate authority says, and how its certificate turns out.
    refused(
        Answer::Status(400),
        &["error processing the identity token"],
        "refused the identity token",
        "the reason is in its own log; the usual ones are a token that expired, is for another audience, or is of an issuer that it does not know",
    )
    .of(CERTIFICATE)
    .about_the_token(),
    rule(
        Unproven,
        Answer::Busy,
        &["error entering certificate in ctl"],
        "could not enter the certificate in its certificate transparency log",
        LATER,
    )
    .of(CERTIFICATE),
    refused(
        Answer::None,
        &["ctfe public key not found"],
        "gave a certificate that no certificate transparency log of the trusted root has seen",
        "is the trusted root that of this authority?",
    )
    .of(CERTIFICATE),
    refused(
        Answer::None,
        &["leaf certificate verification failed"],
        "gave a certificate that the trusted root does not verify",
        "is the trusted root that of this authority?",
    )
    .of(CERTIFICATE)
    .too_late(),
    // How a timestamp turns out.
    refused(
        Answer::None,
        &["threshold not met for verified signed timestamps"],
        "gave a timestamp that the trusted root does not verify",
        "is the trusted root that of this authority, and does it still count? check the clocks",
    )
    .of(TIMESTAMP)
    .too_late(),
    // The identity token, before anybody is told of it.
    refused(
        Answer::None,
        &["not verified by identity provider"],
        "is no good: its issuer has not verified the e-mail address in it",
        "have the address verified by the issuer",
    )
    .of(FailedParty::Token),
    refused(
        Answer::None,
        &["no subject found"],
        "is no good: it names nobody",
        "it needs a subject (sub) or an e-mail address",
    )
    .of(FailedParty::Token),
    // Whoever gives one.
    refused(
        Answer::None,
        &["error obtaining token"],
        "gave no identity token",
        "sign in again, and allow it; a code counts for some minutes",
    )
    .of(FailedParty::Issuer),
    refused(
        Answer::None,
        &["compact jws format"],
        "gave no identity token",
        "may the job have one? --identity-token FILE signs with one that is at hand",
    )
    .of(FailedParty::Issuer),
    // What any of them answers.
    rule(Unproven, Answer::Busy, &[], "is out of order, or too busy", LATER),
    unreachable(&["read on closed response body"], "is out of order, or too busy", LATER),
    refused(
        Answer::No,
        &[],
        "refused",
        "what it says is its own; is its address right, and what does it ask of those who come?",
    ),
    ServiceRule { answer: Answer::Odd, ..STRANGE },
    // The way there.
    unreachable(
        &["certificate signed by unknown authority"],
        "could not be reached: its server's certificate is signed by an authority that is not trusted here",
        "set SSL_CERT_FILE to the certificate of the site's authority",
    ),
    unreachable(
        &["failed to verify certificate"],
        "could not be reached: its server's certificate does not verify",
        "check the server's name and certificate, and this machine's clock",
    ),
    unreachable(
        &["server gave http response to https client", "first record does not look like a tls handshake"],
        "could not be reached: it does not speak TLS",
        "is its address right? plain http:// is for services of this very machine",
    ),
    unreachable(&["proxyconnect"], "could not be reached: its proxy could not be", PROXY),
    unreachable(
        &["forbidden", "proxy authentication required", "bad gateway", "service unavailable", "gateway timeout"],
        "could not be reached: its proxy refuses to lead there",
        PROXY,
    ),
    unreachable(
        &["dial tcp: lookup"],
        "could not be reached: its host name is not known here",
        "check its address, and the name servers of this machine",
    ),
    unreachable(&["connection refused"], "could not be reached: connection refused", WHERE),
    unreachable(
        &["network is unreachable", "connect: no route to host", "connect: permission denied"],
        "could not be reached: there is no network to it from here",
        "check the route to it",
    ),
    unreachable(&["deadline exceeded", "client.timeout", "i/o timeout"], "could not be reached in time", WHERE),
    unreachable(&["giving up after"], "is out of order, or too busy", LATER),
    unreachable(&["connection reset", "eof"], "could not be reached: it broke off the connection", WHERE),
];
