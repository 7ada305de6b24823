//! `doctor`: what would happen here, without signing and without reading a payload. A check that
//! fails carries its failure, and the next ones are made all the same where they can be.

use camino::Utf8Path;

use crate::context::Context;
use crate::cosign::public_key::PublicKey;
use crate::cosign::variables::Value;
use crate::error::Result;
use crate::plan::sign::Signer;
use crate::report::{Check, Report};
use crate::sign::{public_key, supported};
use crate::tree::public_key_out::PublicKeyOut;

/// Looks at cosign, and at the signer if one is named.
pub(crate) fn run(signer: Option<&Signer>, context: &Context, report: &mut Report) -> Result<()> {
    let session = context.session(&[])?;
    let refusal = signer.and_then(|signer| supported(signer, context).err());
    let would_sign = refusal.is_none();
    if let Some(failure) = refusal {
        report.checks.push(Check::failed("signing", "not in the way that is asked for", failure));
    }
    let signer = match signer {
        Some(Signer::Key(signer)) => Some(signer),
        Some(Signer::Keyless(_)) | None => None,
    };
    let reference = signer.map(|signer| &signer.key.value);

    let cosign = match context.cosign(&session, reference) {
        Ok((cosign, found)) => {
            let dialect = cosign.dialect();
            report.checks.push(
                Check::new("cosign", format!("{}, {}", found.path, found.version)).detail(
                    "driven as",
                    format!("{}, the dialect of {}", dialect.name(), dialect.releases()),
                ),
            );
            report.cosign = Some(found);
            Some(cosign)
        }
        Err(failure) => {
            report.checks.push(Check::failed("cosign", "not usable", failure));
            None
        }
    };
    let Some(signer) = signer else {
        report.checks.push(Check::new("key", "none named; --signing-key REF has one looked at"));
        return Ok(());
    };
    let reference = &signer.key.value;
    let key = match context.signing_key(signer, &session) {
        Ok(key) => key,
        Err(failure) => {
            report.checks.push(Check::failed("key", format!("{reference} cannot be used"), failure));
            return Ok(());
        }
    };
    let Some(cosign) = cosign else {
        report.checks.push(Check::new("key", format!("{reference} is well-formed")));
        return Ok(());
    };
    report.checks.push(match public_key(&cosign, &key) {
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
    });
    if !would_sign {
        return Ok(());
    }
    let private = Utf8Path::new(crate::sign::PLANNED_DIRECTORY);
    let variables = cosign.signing_variables(&key, private);
    let environment = Check::new("environment", format!("{} variables, and nothing else", variables.len()));
    let missing = cosign.missing_variables(&key);
    let environment = missing
        .into_iter()
        .fold(environment, |check, (name, reason)| check.detail(name, format!("not set ({reason})")));
    report.checks.push(variables.iter().fold(environment, |check, (name, value)| {
        check.detail(
            name,
            match value {
                Value::Set(value) => value.to_string_lossy().into_owned(),
                Value::HandedOn(_) | Value::Secret(_) => "handed on".into(),
            },
        )
    }));
    report.checks.push(Check::new("command", cosign.signing_command(&key, private)));
    Ok(())
}

/// Writes the public key for the receivers, and says where.
fn leave(key: &PublicKey, path: &Utf8Path) -> Result<String> {
    PublicKeyOut::new(path, &[])?.write(key.pem().as_bytes())?;
    Ok(format!("in {path}"))
}
