//! `doctor`: shows what would happen here, without signing and without reading payload. A check
//! that fails is reported, and the next ones are made all the same where that is possible.

use camino::Utf8Path;

use crate::commands::services;
use crate::commands::signing::{public_key, warn_of_clear_text};
use crate::commands::typed_password::with_password;
use crate::connectivity::{Connectivity, reach};
use crate::context::Context;
use crate::cosign::Cosign;
use crate::cosign::environment::SecretsOf;
use crate::cosign::environment::Value;
use crate::cosign::ready_signer::ReadySigner;
use crate::cosign::recording_services::{PrivateServices, RecordingServices};
use crate::cosign::signing_identity::SigningIdentity;
use crate::error::{Class, Failure, Result};
use crate::plan::sign::{KeySigner, KeylessSigner, Signer, TokenSource};
use crate::report::{Check, Report};
use crate::sigstore::public_key::PublicKey;
use crate::tree::handout::{Handout, HandoutKind};

/// Checks cosign, and the signer and services if the plan has them. `online`: also whether the
/// services answer.
pub(crate) fn run(
    signer: Option<&Signer>,
    online: bool,
    context: &Context,
    report: &mut Report,
) -> Result<()> {
    let session = context.session(&[])?;
    let holder = match signer {
        Some(Signer::Key(signer)) => SecretsOf::Key(&signer.key.value),
        Some(Signer::Keyless(signer)) => SecretsOf::Identity(&signer.token),
        None => SecretsOf::Nothing,
    };
    let usable = context.cosign(&session, &[holder]).and_then(|(cosign, found)| {
        cosign.refuses_a_wrong_signature()?;
        Ok((cosign, found))
    });
    let cosign = match usable {
        Ok((cosign, found)) => {
            let supported = format!("supported (command line of {})", cosign.dialect().releases());
            report
                .checks
                .push(Check::new("cosign", format!("{}, {}, {supported}", found.path, found.version)));
            report.cosign = Some(found);
            Some(cosign)
        }
        Err(failure) => {
            report.checks.push(Check::failed("cosign", "not usable", failure));
            None
        }
    };
    let Some(signer) = signer else {
        report.checks.push(Check::new("key", "not checked: give --signing-key REF"));
        return Ok(());
    };
    let sigstore = match services::read(signer, &[]) {
        Ok(sigstore) => Some(sigstore),
        Err(failure) => {
            report.checks.push(Check::failed("services", "cannot be used", failure));
            None
        }
    };
    if let Some(sigstore) = &sigstore {
        look_at_services(sigstore, signer, cosign.as_ref(), online, context, report);
    }
    match signer {
        Signer::Key(signer) => {
            warn_of_clear_text(signer, context);
            let mut key = match context.signing_key(signer, &session) {
                Ok(key) => key,
                Err(failure) => {
                    let found = format!("{} cannot be used", signer.key.value);
                    report.checks.push(Check::failed("key", found, failure));
                    return Ok(());
                }
            };
            let Some(cosign) = &cosign else {
                report.checks.push(Check::new("key", format!("{} is well-formed", signer.key.value)));
                return Ok(());
            };
            let public = with_password(&mut key, |key| Some(key), context, |key| public_key(cosign, key));
            report.checks.push(look_at_key(signer, public));
            if let Some(sigstore) = &sigstore {
                let key = ReadySigner::Key { key, public_key: None };
                show_run(cosign, &key, sigstore, report);
            }
        }
        Signer::Keyless(signer) => {
            let identity = match SigningIdentity::read(signer, &context.environment) {
                Ok(identity) => identity,
                Err(failure) => {
                    report.checks.push(Check::failed("identity", "cannot be used", failure));
                    return Ok(());
                }
            };
            report.checks.push(look_at_identity(signer, &identity));
            if let (Some(cosign), Some(sigstore)) = (&cosign, &sigstore) {
                show_run(cosign, &ReadySigner::Identity(identity), sigstore, report);
            }
        }
    }
    Ok(())
}

/// The services that would record a signature.
fn look_at_services(
    sigstore: &RecordingServices,
    signer: &Signer,
    cosign: Option<&Cosign<'_>>,
    online: bool,
    context: &Context,
    report: &mut Report,
) {
    if let Some(notice) = sigstore.notice(matches!(signer, Signer::Keyless(_))) {
        context.printer.notice(&notice);
    }
    if let Some(Err(failure)) = cosign.map(|cosign| cosign.can_record(sigstore)) {
        report.checks.push(Check::failed("services", "not supported by this cosign", failure));
    }
    let person = match signer {
        Signer::Key(_) => false,
        Signer::Keyless(signer) => signer.token == TokenSource::Terminal,
    };
    match (sigstore, cosign.filter(|_| online)) {
        (RecordingServices::NotRecorded, _) => {}
        (RecordingServices::Private(private), _) => look_at_private(private, person, online, context, report),
        (RecordingServices::Public, asked) => {
            let found = "those of the public Sigstore, which cosign fetches";
            match asked.map(|cosign| services::public(cosign, signer, &|text| context.printer.warning(text)))
            {
                None => report.checks.push(Check::new("services", found)),
                Some(Err(failure)) => report.checks.push(Check::failed("services", found, failure)),
                Some(Ok(RecordingServices::Private(private))) => {
                    report.checks.push(Check::new("services", found).detail("online", "fetched"));
                    look_at_private(&private, person, online, context, report);
                }
                Some(Ok(RecordingServices::NotRecorded | RecordingServices::Public)) => {}
            }
        }
    }
}

/// Every service; the issuer only where a person signs in there.
fn look_at_private(
    private: &PrivateServices,
    person: bool,
    online: bool,
    context: &Context,
    report: &mut Report,
) {
    let issuers = private.config.issuers().iter().filter(|_| person).map(|service| ("OIDC issuer", service));
    let services = private.services().into_iter().map(|(role, service)| (role.name(), service));
    for (name, service) in services.chain(issuers) {
        let url = service.url();
        let check = Check::new("service", format!("{name} at {url}"))
            .detail("API version", service.api_version().to_string());
        report.checks.push(match online.then(|| reach(url, &context.environment)) {
            None => check,
            Some(Connectivity::Yes) => check.detail("online", "answers"),
            Some(Connectivity::ThroughProxy(variable)) => {
                check.detail("online", format!("not checked: {variable} sets a proxy"))
            }
            Some(Connectivity::No(why)) => {
                let message = format!("the {name} at {} could not be reached: {why}", url.host());
                let failure = Failure::new(Class::Unproven, message);
                Check {
                    error: Some(failure.hint("check the address, and that the server is running")),
                    ..check
                }
            }
        });
    }
}

/// The key, and its public half if the key manager answers.
fn look_at_key(signer: &KeySigner, public: Result<PublicKey>) -> Check {
    let reference = &signer.key.value;
    match public {
        Ok(public) => {
            let check = Check::new("key", format!("{reference} answers"))
                .detail("type", public.key_type().to_string())
                .detail("sha256", public.sha256().to_string());
            match signer.public_key_out.as_deref().map(|path| leave(&public, path)) {
                Some(Err(failure)) => Check { error: Some(failure), ..check },
                Some(Ok(path)) => check.detail("public key", path),
                None => check,
            }
        }
        Err(failure) => Check::failed("key", format!("{reference} cannot be used"), failure),
    }
}

/// The identity, and what is wrong with its token.
fn look_at_identity(signer: &KeylessSigner, identity: &SigningIdentity) -> Check {
    let found = format!("from {}", signer.token);
    match (identity.intrinsic_fault(), identity.fault()) {
        (None, None) => Check::new("identity", found),
        // A private certificate authority may want exactly that audience.
        (None, Some(fault)) => Check::new("identity", found).detail("audience", fault),
        (Some(fault), _) => {
            let failure = Failure::new(Class::NotSigned, "the identity token would be refused").hint(fault);
            Check::failed("identity", found, failure)
        }
    }
}

/// The environment and the command line of cosign.
fn show_run(cosign: &Cosign<'_>, signer: &ReadySigner, sigstore: &RecordingServices, report: &mut Report) {
    let private = Utf8Path::new(crate::commands::signing::PLANNED_DIRECTORY);
    let missing = match signer {
        ReadySigner::Key { key, .. } => cosign.missing_variables(key),
        ReadySigner::Identity(_) => Vec::new(),
    };
    let variables = cosign.signing_variables(signer, sigstore, private);
    let not_set = match missing.len() {
        0 => String::new(),
        1 => "; 1 more is usual and not set".to_owned(),
        more => format!("; {more} more are usual and not set"),
    };
    let found = format!("cosign gets only these {} variables{not_set}", variables.len());
    let environment = Check::new("environment", found);
    let environment = missing
        .iter()
        .fold(environment, |check, (name, reason)| check.detail(*name, format!("not set ({reason})")));
    report.checks.push(variables.iter().fold(environment, |check, (name, value)| {
        check.detail(
            name,
            match value {
                Value::Set(value) => value.to_string_lossy().into_owned(),
                Value::PassedOn(_) | Value::Secret(_) => "passed on".into(),
            },
        )
    }));
    // What it cannot record with was reported before.
    let supported = match cosign.can_record(sigstore) {
        Ok(()) => cosign.can_sign(signer, sigstore, || Ok(())),
        Err(_) => Ok(()),
    };
    report.checks.push(match supported {
        Ok(()) => Check::new("command", cosign.signing_command(signer, sigstore, private)),
        Err(failure) => Check::failed("command", "not supported by this cosign", failure),
    });
}

/// Writes the public key for the receivers.
fn leave(key: &PublicKey, path: &Utf8Path) -> Result<String> {
    Handout::new(HandoutKind::PublicKey, path, &[])?.write(key.pem().as_bytes())?;
    Ok(format!("in {path}"))
}
