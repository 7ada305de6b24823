//! The rules for failures of a service, once it is clear which one failed. Every rule was made from
//! recorded samples, on which the tests run it. Network failures have a table of their own.

use super::super::recording_services::Role;
use super::failed_service::{FailedParty, ServiceFailure};
use crate::error::Class::{self, NotSigned, Unproven};

/// A rule: the answer, and any of these words, in lower case, in what is left of the text. Without
/// words, any text fits.
pub(super) struct ServiceRule {
    /// For this party only.
    party: Option<FailedParty>,
    answer: Answer,
    pub(super) words: &'static [&'static str],
    pub(super) class: Class,
    /// The end of a sentence that begins with the party.
    pub(super) reason: &'static str,
    pub(super) hint: &'static str,
    /// Whether the identity token may give a better hint.
    pub(super) about_the_token: bool,
    /// Whether a log may have the signature by then.
    pub(super) too_late: bool,
}

/// The answer in HTTP.
#[derive(Clone, Copy)]
enum Answer {
    /// No status in the text.
    None,
    /// A status of success or redirection, which cosign could not use.
    Unusable,
    /// Not now: 408, 429, and from 500 on.
    Busy,
    /// No: all the others from 400 on.
    Refused,
    /// This one.
    Status(u16),
}

impl Answer {
    fn is(self, status: Option<u16>) -> bool {
        let Some(status) = status else { return matches!(self, Self::None) };
        match self {
            Self::None => false,
            Self::Unusable => status < 400,
            Self::Busy => status >= 500 || [408, 429].contains(&status),
            Self::Refused => status >= 400 && !Self::Busy.is(Some(status)),
            Self::Status(wanted) => status == wanted,
        }
    }
}

impl ServiceRule {
    /// Whether this rule is for `failure`.
    pub(super) fn fits(&self, failure: &ServiceFailure<'_>) -> bool {
        let has_words = self.words.is_empty() || self.words.iter().any(|word| failure.rest.contains(word));
        has_words && self.answer.is(failure.status) && self.party.is_none_or(|party| party == failure.party)
    }

    const fn of(self, party: FailedParty) -> Self {
        Self { party: Some(party), ..self }
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
    ServiceRule { party: None, answer, words, class, reason, hint, about_the_token: false, too_late: false }
}

/// It refused, or did it wrong.
const fn refused(
    answer: Answer,
    words: &'static [&'static str],
    reason: &'static str,
    hint: &'static str,
) -> ServiceRule {
    rule(NotSigned, answer, words, reason, hint)
}

const LOG: FailedParty = FailedParty::Service(Role::Log);
const CERTIFICATE: FailedParty = FailedParty::Service(Role::CertificateAuthority);
const TIMESTAMP: FailedParty = FailedParty::Service(Role::TimestampAuthority);

const BUSY: &str = "is unavailable or overloaded";
const LATER: &str = "try again later; nothing was left behind";

/// For what no rule fits: the service answered, and its answer is unknown here.
pub(super) const NOT_UNDERSTOOD: ServiceRule = refused(
    Answer::None,
    &[],
    "returned an answer that cosign does not understand",
    "check the address; a proxy or a portal may have answered instead",
);

/// The first that fits wins, so the more specific come first. If none fits, it may be a network
/// failure.
pub(super) static RULES: &[ServiceRule] = &[
    // What a log answers, and entries that do not verify.
    refused(
        Answer::Status(409),
        &["an equivalent entry already exists"],
        "has this signature already, and accepts it only once",
        "an RSA key always makes the same signature of a manifest: use the bundle that was signed first, or an ECDSA P-256 key",
    )
    .of(LOG),
    refused(
        Answer::Status(405),
        &["has been frozen"],
        "is frozen and accepts no more entries",
        "use the log that replaced it",
    )
    .of(LOG),
    refused(
        Answer::Status(404),
        &[],
        "does not know the address (404)",
        "check the address, and the Rekor version that the trusted root or the signing config has for it",
    )
    .of(LOG),
    refused(
        Answer::None,
        &["not enough verified log entries"],
        "returned an entry that does not verify with the trusted root",
        "check that the trusted root has the key of this log",
    )
    .of(LOG)
    .too_late(),
    // What a certificate authority answers, and certificates that do not verify.
    refused(
        Answer::Status(400),
        &["error processing the identity token"],
        "refused the identity token",
        "the log file of the authority has the reason; usually the token has expired, is for another audience, or is from an unknown issuer",
    )
    .of(CERTIFICATE)
    .about_the_token(),
    rule(
        Unproven,
        Answer::Busy,
        &["error entering certificate in ctl"],
        "could not add the certificate to its certificate transparency log",
        LATER,
    )
    .of(CERTIFICATE),
    refused(
        Answer::None,
        &["ctfe public key not found"],
        "issued a certificate whose certificate transparency log is not in the trusted root",
        "check that the trusted root has the certificate transparency log of this authority",
    )
    .of(CERTIFICATE),
    refused(
        Answer::None,
        &["leaf certificate verification failed"],
        "issued a certificate that does not verify with the trusted root",
        "check that the trusted root has the certificates of this authority",
    )
    .of(CERTIFICATE)
    .too_late(),
    // Timestamps that do not verify.
    refused(
        Answer::None,
        &["threshold not met for verified signed timestamps"],
        "returned a timestamp that does not verify with the trusted root",
        "check that the trusted root has the certificates of this authority and that they are valid, and check the clocks",
    )
    .of(TIMESTAMP)
    .too_late(),
    // The identity token, before any service receives it.
    refused(
        Answer::None,
        &["not verified by identity provider"],
        "cannot be used: its issuer has not verified the e-mail address in it",
        "verify the address with the issuer, and get a new token",
    )
    .of(FailedParty::Token),
    refused(
        Answer::None,
        &["no subject found"],
        "cannot be used: it has neither a subject nor an e-mail address",
        "get a token with a subject (sub) or an e-mail address",
    )
    .of(FailedParty::Token),
    // The issuer of tokens.
    refused(
        Answer::None,
        &["error obtaining token"],
        "returned no identity token",
        "sign in again and allow access; a code is valid for some minutes",
    )
    .of(FailedParty::Issuer),
    refused(
        Answer::None,
        &["compact jws format"],
        "returned no identity token",
        "check that the job is allowed to get one; --identity-token FILE signs with an existing one",
    )
    .of(FailedParty::Issuer),
    // What any of them answers.
    rule(Unproven, Answer::Busy, &[], BUSY, LATER),
    rule(Unproven, Answer::None, &["read on closed response body"], BUSY, LATER),
    refused(
        Answer::Refused,
        &[],
        "refused the request",
        "the text above is its answer; is the address right, and does it require authentication?",
    ),
    ServiceRule { answer: Answer::Unusable, ..NOT_UNDERSTOOD },
];

/// For what is no network failure either: 2.4 does not print the answer that made it give up.
pub(super) static LAST_RULE: ServiceRule = rule(Unproven, Answer::None, &["giving up after"], BUSY, LATER);
