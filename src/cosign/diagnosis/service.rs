//! What the words of a failed `sign-blob` say of the services that were told of the signature, and of whoever
//! was asked for an identity token.

use super::super::recording_services::{PrivateServices, RecordingServices, Role};
use super::failed_service::{FailedParty, Unreachable, blame};
use super::service_rules::{RULES, STRANGE, ServiceRule};
use super::shown;
use crate::error::{Class, Failure};

/// What a failed `sign-blob` comes down to when a service did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceDiagnosis {
    /// `NotSigned` or `Unproven`.
    pub(super) class: Class,
    pub(super) message: String,
    hint: &'static str,
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

/// What `text`, the stderr of a `sign-blob` that failed, says of the services of `sigstore` and of `issuer`,
/// who was asked for an identity token; nothing if it was none of them.
pub(crate) fn of_service_failure(
    text: &[u8],
    sigstore: &RecordingServices,
    issuer: Option<&str>,
) -> Option<ServiceDiagnosis> {
    let RecordingServices::Private(private) = sigstore else { return None };
    let error = shown(text).to_ascii_lowercase();
    let blame = blame(&error, private)?;
    let name = name(&blame, private, issuer)?;
    let ServiceRule { class, reason, hint, about_the_token, too_late, .. } =
        RULES.iter().find(|rule| rule.fits(&blame)).unwrap_or(&STRANGE);
    let logged = *too_late && sigstore.has_log();
    let logged = if logged { ", and the signature is in the log for good" } else { "" };
    Some(ServiceDiagnosis {
        class: *class,
        message: format!("{name} {reason}{logged}"),
        hint,
        about_the_token: *about_the_token,
    })
}

/// Who it was, for a sentence; nothing if nobody of the kind took part.
fn name(blame: &Unreachable<'_>, private: &PrivateServices, issuer: Option<&str>) -> Option<String> {
    let named = |role: Role| {
        let hosts = match blame.service {
            Some(service) => vec![service.url().host()],
            None => private.hosts_of(role),
        };
        (!hosts.is_empty()).then(|| format!("the {} at {}", role.name(), hosts.join(" or ")))
    };
    match blame.whose {
        FailedParty::Service(role) => named(role),
        FailedParty::Authority => {
            let both = [Role::CertificateAuthority, Role::TimestampAuthority].map(named);
            let both: Vec<_> = both.into_iter().flatten().collect();
            (!both.is_empty()).then(|| both.join(" or "))
        }
        FailedParty::Issuer => issuer.map(str::to_owned),
        FailedParty::Token => {
            (!private.config.authorities().is_empty()).then(|| "the identity token".to_owned())
        }
    }
}
