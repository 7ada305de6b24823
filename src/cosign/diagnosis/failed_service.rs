//! Which party made `sign-blob` fail. cosign's error is read from its start, where the text is
//! cosign's own. What follows may be the answer of a service, the name of a key or the text of a
//! plugin, and any of these may mention any service.

use super::super::private_directory::private_file;
use super::super::recording_services::{PrivateServices, Role};
use crate::sigstore::signing_config::Service;

/// The party that made it fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailedParty {
    /// A service that got a request.
    Service(Role),
    /// A certificate authority or a timestamp authority: cosign does not print which.
    Authority,
    /// The issuer of identity tokens.
    Issuer,
    /// None: the identity token itself cannot be used.
    Token,
}

/// A failure of a party, and the text about it.
#[derive(Debug)]
pub(super) struct ServiceFailure<'a> {
    pub(super) party: FailedParty,
    /// The one service of several, if its address is in the text.
    pub(super) service: Option<&'a Service>,
    /// The status of an HTTP answer.
    pub(super) status: Option<u16>,
    /// What follows cosign's own text.
    pub(super) rest: &'a str,
}

const LOG: FailedParty = FailedParty::Service(Role::Log);
const CERTIFICATE: FailedParty = FailedParty::Service(Role::CertificateAuthority);
const TIMESTAMP: FailedParty = FailedParty::Service(Role::TimestampAuthority);

/// What cosign puts in front of an error on its way up, and the party that it shows.
const STEPS: [(&str, Option<FailedParty>); 20] = [
    ("signing bundle: ", None),
    ("error signing bundle: ", None),
    ("getting keypair and token: ", None),
    ("getting key from fulcio: ", None),
    ("retrieving cert: ", None),
    ("client: ", None),
    ("retrieving id token: ", Some(FailedParty::Issuer)),
    ("reading id token: ", None),
    ("authenticating caller: ", None),
    ("fetching ambient oidc credentials: ", Some(FailedParty::Issuer)),
    ("adding rekor v2 entry: ", Some(LOG)),
    ("getting response: ", None),
    ("unexpected response: ", None),
    ("[post /api/v1/log/entries][", Some(LOG)),
    ("fulcio returned ", Some(CERTIFICATE)),
    ("error making request to timestamp authority: ", Some(TIMESTAMP)),
    ("request to timestamp authority failed with status code ", Some(TIMESTAMP)),
    ("timestamp authority returned ", Some(TIMESTAMP)),
    (": ", None),
    ("status ", None),
];

/// What shows the party where no step does.
const SIGNS: [(&str, FailedParty); 13] = [
    ("failed to verify log inclusion: ", LOG),
    ("validation error: ", LOG),
    ("bad response from server", LOG),
    ("&{0 } (*models.error)", LOG),
    ("failed to verify leaf certificate: ", CERTIFICATE),
    ("verifying sct: ", CERTIFICATE),
    ("did not find a cert from fulcio", CERTIFICATE),
    ("invalid character ", CERTIFICATE),
    ("failed to verify timestamps: ", TIMESTAMP),
    ("asn1: ", TIMESTAMP),
    ("http: read on closed response body", FailedParty::Authority),
    ("not verified by identity provider", FailedParty::Token),
    ("no subject found in claims", FailedParty::Token),
];

/// The failure that `error`, in lower case, is about. Nothing if it is about none of these parties.
pub(super) fn service_failure<'a>(
    error: &'a str,
    private: &'a PrivateServices,
) -> Option<ServiceFailure<'a>> {
    let start = format!("/{}: ", private_file::BLOB);
    let mut rest = error.find(&start).map_or(error, |at| &error[at + start.len()..]);
    let mut party = None;
    let mut service = None;
    loop {
        if let Some((after, step)) =
            STEPS.iter().find_map(|(words, step)| Some((rest.strip_prefix(words)?, step)))
        {
            rest = after;
            party = step.or(party);
        } else if let Some((url, after)) = request(rest) {
            rest = after;
            if let Some((role, at)) = at(url, private) {
                (party, service) = (Some(FailedParty::Service(role)), Some(at));
            } else if private.config.issuers().iter().any(|issuer| is_below(url, issuer)) {
                party = Some(FailedParty::Issuer);
            }
        } else if let Some(after) = given_up(rest).filter(|after| !after.is_empty()) {
            rest = after;
        } else {
            break;
        }
    }
    let status = status(rest);
    let party = party.or_else(|| {
        let sign = SIGNS.iter().find(|(words, _)| rest.starts_with(words)).map(|(_, party)| *party);
        // The library that signs a person in puts few steps in front of its errors.
        let issuer =
            ["error obtaining token: ", "oidc: ", "go-jose/"].iter().any(|words| rest.starts_with(words));
        sign.or_else(|| (issuer || status.is_some()).then_some(FailedParty::Issuer))
    })?;
    Some(ServiceFailure { party, service, status, rest })
}

/// The address in `post "URL": …`, `post URL returned …` or `post URL: …`, and what follows.
fn request(text: &str) -> Option<(&str, &str)> {
    let rest = ["get ", "post "].iter().find_map(|verb| text.strip_prefix(verb))?;
    let (url, after) = rest.split_once(' ')?;
    let url = url.trim_end_matches(':').trim_matches('"');
    url.contains("://").then(|| (url, after.strip_prefix("returned ").unwrap_or(after)))
}

/// The reason, which follows `giving up after 2 attempt(s)`. 2.4 does not print it if it was an
/// answer.
fn given_up(text: &str) -> Option<&str> {
    let (times, after) = text.strip_prefix("giving up after ")?.split_once(" attempt(s)")?;
    times.bytes().all(|byte| byte.is_ascii_digit()).then_some(after)
}

fn status(text: &str) -> Option<u16> {
    let digits = text.get(..3)?;
    let alone = !text[3..].starts_with(|next: char| next.is_ascii_alphanumeric());
    (alone && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// The service at an address: the one whose own address is the longest, since several may be on one
/// host.
fn at<'a>(url: &str, private: &'a PrivateServices) -> Option<(Role, &'a Service)> {
    let services = private.services().into_iter().filter(|(_, service)| is_below(url, service));
    services.max_by_key(|(_, service)| service.url().as_str().len())
}

fn is_below(url: &str, service: &Service) -> bool {
    let place = service.url().as_str().trim_end_matches('/').to_ascii_lowercase();
    url.strip_prefix(&place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}
