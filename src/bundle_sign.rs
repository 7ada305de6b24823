//! `bundle-sign`: signs bundles that exist. All of them are checked before the first is signed: a
//! tree that is not exactly its manifest is never signed, and a stale signature never replaced.

use std::collections::HashMap;

use anyhow::Context as _;
use indicatif::ProgressBar;

use crate::context::Context;
use crate::cosign;
use crate::cosign::evidence::{Evidence, SignedBy};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::plan::bundle::{BundleSignPlan, Run};
use crate::report::{BundleReport, Report, Verdict};
use crate::sign::{Signing, supported};
use crate::tree::beneath::Beneath;
use crate::tree::manifest::Manifest;
use crate::tree::publish::Sealed;
use crate::tree::staging::Staging;
use crate::tree::{MANIFEST, SIGNATURE};
use crate::verify::{compare, conclude, evidence, manifest_text, names};

/// Signs every bundle of the plan, in order. What is impossible for one is refused before any work.
pub(crate) fn run(plan: &BundleSignPlan, context: &Context, report: &mut Report) -> Result<()> {
    let BundleSignPlan { bundles: paths, signer, run: Run { dry_run, force: _ } } = plan;
    let signer = supported(signer, context)?;
    let bundles = paths.iter().map(|path| Beneath::open(path)).collect::<Result<Vec<_>>>()?;
    refuse_twice(&bundles)?;
    let session = context.session(paths)?;
    let signing = Signing::prepare(signer, paths, *dry_run, &session, context, report)?;

    let mut looked_at = Vec::new();
    for bundle in &bundles {
        // What a killed run left in it is no reason to reject it.
        let swept = if *dry_run { Ok(()) } else { Staging::sweep_inside(bundle) };
        looked_at.push(match swept.and_then(|()| look(bundle, &signing, plan.run, context)) {
            Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
            Err(failure) => Looked { report: BundleReport::failed(bundle.path(), failure), to_sign: None },
            Ok(looked) => looked,
        });
    }

    let mut stopped = looked_at.iter().any(|looked| looked.report.error.is_some());
    for (bundle, Looked { report: mut done, to_sign }) in bundles.iter().zip(looked_at) {
        match to_sign {
            None if done.verdict == Verdict::AlreadySigned && !dry_run => Staging::sweep(bundle),
            None => {}
            Some(_) if stopped => done.verdict = Verdict::NotAttempted,
            Some(_) if *dry_run => {
                done.verdict = Verdict::Planned;
                done.commands = vec![signing.planned_command()];
            }
            Some(seen) => match sign(bundle, seen, &signing, context) {
                Ok(evidence) => {
                    done.signatures = signing.reports(&evidence);
                    done.commands = vec![signing.verify_command(bundle.path())];
                }
                Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
                Err(failure) => {
                    done.verdict = BundleReport::verdict_of(&failure);
                    done.error = Some(failure);
                    stopped = true;
                }
            },
        }
        report.bundles.push(done);
    }
    let signed = |verdict| matches!(verdict, Verdict::Signed | Verdict::AlreadySigned);
    if !dry_run && report.bundles.iter().any(|bundle| signed(bundle.verdict)) {
        signing.leave_public_key()?;
    }
    Ok(())
}

/// A bundle that was looked at.
struct Looked {
    /// What is known of it; signed, if all goes well.
    report: BundleReport,
    /// What is to be signed; nothing if it is signed already, or something is wrong with it.
    to_sign: Option<Seen>,
}

/// What was read of a bundle when it was looked at.
struct Seen {
    manifest: Vec<u8>,
    evidence: Option<Evidence>,
}

/// A bundle that is named twice would be signed twice, the second time over its first signature.
fn refuse_twice(bundles: &[Beneath]) -> Result<()> {
    let mut seen = HashMap::new();
    for bundle in bundles {
        let stat = bundle.stat(b"").with_context(|| format!("look at {}", bundle.show(b"")))?;
        if let Some(first) = seen.insert((stat.st_dev, stat.st_ino), bundle) {
            let (first, second) = (first.show(b""), bundle.show(b""));
            return Err(Failure::usage(format!("{first} and {second} are one bundle")).hint("name it once"));
        }
    }
    Ok(())
}

fn look(bundle: &Beneath, signing: &Signing<'_>, run: Run, context: &Context) -> Result<Looked> {
    let text = manifest_text(bundle)?;
    let digest = Sha256Digest::of(&text);
    // Whoever signs vouches for these bytes from here on, so they need no other proof.
    let manifest =
        Manifest::unproven(&text).map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())))?;
    let checked =
        if run.dry_run { names(bundle, &manifest, context) } else { compare(bundle, &manifest, context) };
    let mut report = conclude(bundle, digest, checked?, Verdict::Signed, context);
    if report.error.is_some() {
        return Ok(Looked { report, to_sign: None });
    }
    let Some(there) = evidence(bundle)? else {
        return Ok(Looked { report, to_sign: Some(Seen { manifest: text, evidence: None }) });
    };
    let top = bundle.show(b"");
    if there.digest() != digest {
        return Err(Failure::rejected(format!(
            "{top} is signed, but not over this {MANIFEST}: its manifest was changed after it was signed"
        ))
        .hint(format!(
            "find out who changed it; {SIGNATURE} has to be removed by hand before it is signed anew"
        )));
    }
    let by = by_this_key(&top, &there, &text, signing)?;
    if by == By::ThisKey && there.log_entries().is_empty() && there.timestamps().is_empty() {
        report.verdict = Verdict::AlreadySigned;
        report.signatures = signing.reports(&there);
        report.commands = vec![signing.verify_command(bundle.path())];
        return Ok(Looked { report, to_sign: None });
    }
    let why = match by {
        // In a dry run the key manager is not asked which key that is.
        By::Unknown => None,
        By::ThisKey => Some("this key with a log entry or a timestamp, which was not asked for"),
        By::Another => Some("another signer"),
    };
    match why {
        Some(why) if !run.force => {
            Err(Failure::usage(format!("{top} is signed by {why}")).hint("--force signs it anew"))
        }
        _ => Ok(Looked { report, to_sign: Some(Seen { manifest: text, evidence: Some(there) }) }),
    }
}

/// Whose a signature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    ThisKey,
    Another,
    Unknown,
}

/// Whose the signature is that is there. One that cosign does not accept although it names this key is
/// no signature, and its bundle is rejected.
fn by_this_key(top: &str, there: &Evidence, manifest: &[u8], signing: &Signing<'_>) -> Result<By> {
    let Some(key) = signing.public_key() else { return Ok(By::Unknown) };
    if *there.signer() != SignedBy::Key(key.sha256()) {
        return Ok(By::Another);
    }
    match signing.cosign().verify(key, there, manifest.to_vec())? {
        cosign::Verdict::Accepted(_) => Ok(By::ThisKey),
        cosign::Verdict::Refused { said } => Err(Failure::rejected(format!(
            "{top} has a signature that names this key, and cosign does not accept it"
        ))
        .cosign_said(said)
        .hint(format!(
            "find out who made it; {SIGNATURE} has to be removed by hand before it is signed anew"
        ))),
    }
}

fn sign(bundle: &Beneath, seen: Seen, signing: &Signing<'_>, context: &Context) -> Result<Evidence> {
    let staging = Staging::for_bundle(bundle)?;
    // Since it was looked at, other bundles were signed, and another run may have been here. From here
    // on none can.
    if manifest_text(bundle)? != seen.manifest || evidence(bundle)? != seen.evidence {
        return Err(Failure::rejected(format!(
            "{} was changed since it was looked at: by another run of aicr, perhaps",
            bundle.show(b"")
        )));
    }
    let made = signing.sign(seen.manifest)?;
    let unseen = ProgressBar::hidden();
    Sealed::signature(staging, bundle, &made.to_json())?.publish(&context.work(&unseen))?;
    Ok(made)
}
