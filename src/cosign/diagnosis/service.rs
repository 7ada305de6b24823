//! What the text of a failed `sign-blob` means if a service made it fail: one that records the
//! signature, or the issuer of the identity token.

use super::super::recording_services::{PrivateServices, RecordingServices, Role};
use super::failed_service::{FailedParty, ServiceFailure, service_failure};
use super::network_failure::network_failure;
use super::service_rules::{LAST_RULE, NOT_UNDERSTOOD, RULES, ServiceRule};
use super::shown;
use crate::error::{Class, Failure};

/// Why a service made `sign-blob` fail.
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

/// Reads `text`, the stderr of a `sign-blob` that failed. Nothing if it was not the fault of a
/// service of `sigstore`, nor of `issuer`, from which cosign requested an identity token.
pub(crate) fn of_service_failure(
    text: &[u8],
    sigstore: &RecordingServices,
    issuer: Option<&str>,
) -> Option<ServiceDiagnosis> {
    let RecordingServices::Private(private) = sigstore else { return None };
    let error = shown(text).to_ascii_lowercase();
    let failure = service_failure(&error, private)?;
    let name = name(&failure, private, issuer)?;
    let diagnosis = |class, reason, hint| ServiceDiagnosis {
        class,
        message: format!("{name} {reason}"),
        hint,
        about_the_token: false,
    };
    let rule = RULES.iter().find(|rule| rule.fits(&failure));
    if rule.is_none()
        && failure.status.is_none()
        && let Some(network) = network_failure(&error)
    {
        return Some(diagnosis(Class::Unproven, network.reason, network.service_hint));
    }
    let last_rule = Some(&LAST_RULE).filter(|rule| rule.fits(&failure));
    let ServiceRule { class, reason, hint, about_the_token, too_late, .. } =
        rule.or(last_rule).unwrap_or(&NOT_UNDERSTOOD);
    let mut diagnosis = diagnosis(*class, reason, hint);
    diagnosis.about_the_token = *about_the_token;
    if *too_late && sigstore.has_log() {
        diagnosis.message.push_str(", and the signature is in the log permanently");
    }
    Some(diagnosis)
}

/// The party, for a sentence. Nothing if no such party takes part.
fn name(failure: &ServiceFailure<'_>, private: &PrivateServices, issuer: Option<&str>) -> Option<String> {
    let named = |role: Role| {
        let hosts = match failure.service {
            Some(service) => vec![service.url().host()],
            None => private.hosts_of(role),
        };
        (!hosts.is_empty()).then(|| format!("the {} at {}", role.name(), hosts.join(" or ")))
    };
    match failure.party {
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
