//! `verify --receipt`: what was verified, under which policy, and with which result, for an auditor.

use std::fs::File;
use std::time::SystemTime;

use camino::Utf8Path;

use crate::commands::trust::TrustPolicy;
use crate::commands::trusted_key::TrustedKeys;
use crate::context::Context;
use crate::digest::{BUFFER, HashError, Sha256Digest, hash_file};
use crate::plan::verify::{ForeignPlan, KeyToTrust, Pattern, Root, SignaturePlan, Trust};
use crate::report::receipt::{
    CosignForm, Policy, PolicyFlag, Receipt, Statement, VerificationResult, Verifier,
};
use crate::report::{BundleReport, CosignReport, Verdict};

/// The receipt about a bundle, whose manifest has this name and digest; `None` without a verdict.
pub(crate) fn receipt(
    done: &BundleReport,
    manifest: (&str, Sha256Digest),
    plan: &SignaturePlan,
    foreign: Option<&ForeignPlan>,
    policy: &TrustPolicy<'_>,
    cosign: &CosignReport,
    context: &Context,
) -> Option<Statement> {
    let verification_result = match done.verdict {
        Verdict::Accepted => VerificationResult::Passed,
        Verdict::Rejected => VerificationResult::Failed,
        _ => return None,
    };
    let CosignReport { path, version, dialect: _ } = cosign;
    let cosign = CosignForm { path: path.to_string(), version: version.clone(), sha256: sha256_of(path) };
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Some(Statement::new(
        manifest,
        Receipt {
            verifier: Verifier { aicr: env!("CARGO_PKG_VERSION").to_owned(), cosign, host },
            time_verified: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            policy: Policy::new(flags(plan, foreign, policy, context)),
            bundle: done.path.to_string(),
            manifest: done.manifest.clone(),
            signatures: done.signatures.clone(),
            release: done.release.clone(),
            verification_result,
            findings: done.findings.iter().map(Into::into).collect(),
            findings_total: done.findings_total,
            error: done.error.as_ref().map(|failure| failure.message().to_owned()),
            notice: Receipt::notice(),
        },
    ))
}

/// The SHA-256 of a program that may be read.
fn sha256_of(path: &Utf8Path) -> Option<Sha256Digest> {
    let file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    let hashed: Result<_, HashError> = hash_file(&file, size, &mut vec![0; BUFFER], true, |_| Ok(()));
    hashed.ok().map(|(digest, _)| digest)
}

/// The flags that can reject a bundle, in the order of the help.
fn flags(
    plan: &SignaturePlan,
    foreign: Option<&ForeignPlan>,
    policy: &TrustPolicy<'_>,
    context: &Context,
) -> Vec<PolicyFlag> {
    let SignaturePlan { trust, release, copy_to: _, receipt: _, shard: _ } = plan;
    let plain = |name: &str, value: Option<String>| PolicyFlag { name: name.to_owned(), value, sha256: None };
    let pinned = context.global.cosign_sha256.map(|digest| digest.to_string());
    let mut flags: Vec<PolicyFlag> =
        pinned.map(|digest| plain("--cosign-sha256", Some(digest))).into_iter().collect();
    flags.extend(release.flags().into_iter().map(|(name, value)| plain(name, Some(value))));
    if let Some(ForeignPlan { manifest, signature, allow_missing }) = foreign {
        flags.push(plain("--manifest", Some(manifest.clone())));
        flags.extend(signature.as_ref().map(|path| plain("--signature", Some(path.to_string()))));
        flags.extend(allow_missing.then(|| plain("--allow-missing", None)));
    }
    match trust {
        Trust::Keys { keys, fingerprints, required, evidence: _ } => {
            let digests = policy.keys().map_or(&[][..], TrustedKeys::given);
            flags.extend(keys.iter().zip(digests).map(|(key, digest)| {
                let value = match key {
                    KeyToTrust::File(path) => path.to_string(),
                    KeyToTrust::StandardInput => "-".to_owned(),
                    KeyToTrust::Ref(reference) => reference.to_string(),
                };
                PolicyFlag { sha256: Some(*digest), ..plain("--key", Some(value)) }
            }));
            flags.extend(fingerprints.iter().map(|digest| plain("--key-sha256", Some(digest.to_string()))));
            flags.extend((*required > 1).then(|| plain("--require", Some(required.to_string()))));
        }
        Trust::Identity { identity, issuer, .. } => {
            for (name, pattern) in [("identity", identity), ("oidc-issuer", issuer)] {
                flags.push(match pattern {
                    Pattern::Exact(text) => plain(&format!("--certificate-{name}"), Some(text.clone())),
                    Pattern::Regexp(regexp) => {
                        plain(&format!("--certificate-{name}-regexp"), Some(regexp.typed().to_owned()))
                    }
                });
            }
        }
    }
    if !trust.requires_log_entry() {
        flags.push(plain("--insecure-ignore-tlog", None));
    }
    flags.extend(trust.root().map(|root| match root {
        Root::File(path) => {
            PolicyFlag { sha256: policy.root_sha256(), ..plain("--trusted-root", Some(path.to_string())) }
        }
        Root::Online => PolicyFlag { sha256: policy.root_sha256(), ..plain("--online", None) },
    }));
    if trust.requires_timestamp() {
        flags.push(plain("--require-timestamp", None));
    }
    flags
}
