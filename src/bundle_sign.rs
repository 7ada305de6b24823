//! `bundle-sign`: signs bundles that exist. All of them are checked before the first is signed: a
//! tree that is not exactly its manifest is never signed, and a stale signature never replaced.

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
use crate::verify::{compare, conclude, evidence, manifest_text};

/// Signs every bundle of the plan, in order. What is impossible for one is refused before any work.
pub(crate) fn run(plan: &BundleSignPlan, context: &Context, report: &mut Report) -> Result<()> {
    let BundleSignPlan { bundles: paths, signer, run: Run { dry_run, force } } = plan;
    let signer = supported(signer, context)?;
    let bundles = paths.iter().map(|path| Beneath::open(path)).collect::<Result<Vec<_>>>()?;
    let session = context.session(paths);
    let signing = Signing::prepare(signer, paths, *dry_run, &session, context, report)?;

    let mut ready = Vec::new();
    for bundle in &bundles {
        let checked = look(bundle, &signing, *force, context);
        ready.push(match checked {
            Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
            Err(failure) => Checked::Done(BundleReport::failed(bundle.path(), failure)),
            Ok(checked) => checked,
        });
    }
    let all_well = ready.iter().all(|checked| match checked {
        Checked::Done(report) => report.error.is_none(),
        Checked::Ready { .. } => true,
    });

    let mut stopped = !all_well;
    for (bundle, checked) in bundles.iter().zip(ready) {
        let (mut done, manifest) = match checked {
            Checked::Done(done) => {
                if done.verdict == Verdict::AlreadySigned && !dry_run {
                    Staging::sweep(bundle);
                }
                report.bundles.push(done);
                continue;
            }
            Checked::Ready { report, manifest } => (report, manifest),
        };
        if stopped {
            done.verdict = Verdict::NotAttempted;
        } else if *dry_run {
            done.verdict = Verdict::Planned;
            done.commands = vec![signing.planned_command()];
        } else {
            match sign(bundle, manifest, &signing, context) {
                Ok(evidence) => {
                    done.signatures = signing.reports(&evidence);
                    done.commands = vec![signing.verify_command(bundle.path())];
                }
                Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
                Err(failure) => {
                    done.verdict = Verdict::Failed;
                    done.error = Some(failure);
                    stopped = true;
                }
            }
        }
        report.bundles.push(done);
    }
    let signed = |verdict| matches!(verdict, Verdict::Signed | Verdict::AlreadySigned);
    if report.bundles.iter().any(|bundle| signed(bundle.verdict)) {
        signing.leave_public_key()?;
    }
    Ok(())
}

/// A bundle that was looked at.
enum Checked {
    /// Nothing is left to be done: it is signed already, or something is wrong with it.
    Done(BundleReport),
    /// It may be signed: these bytes, read once.
    Ready {
        /// Signed, if all goes well.
        report: BundleReport,
        /// The manifest.
        manifest: Vec<u8>,
    },
}

fn look(bundle: &Beneath, signing: &Signing<'_>, force: bool, context: &Context) -> Result<Checked> {
    let text = manifest_text(bundle)?;
    let digest = Sha256Digest::of(&text);
    // Whoever signs vouches for these bytes from here on, so they need no other proof.
    let manifest =
        Manifest::unproven(&text).map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())))?;
    let mut report = conclude(bundle, digest, compare(bundle, &manifest, context)?, Verdict::Signed, context);
    if report.error.is_some() {
        return Ok(Checked::Done(report));
    }
    let Some(there) = evidence(bundle)? else {
        return Ok(Checked::Ready { report, manifest: text });
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
    match by_this_key(&top, &there, &text, signing)? {
        Some(evidence) if there.log_entries() == 0 && there.timestamps() == 0 => {
            report.verdict = Verdict::AlreadySigned;
            report.signatures = signing.reports(&evidence);
            report.commands = vec![signing.verify_command(bundle.path())];
            Ok(Checked::Done(report))
        }
        _ if force => Ok(Checked::Ready { report, manifest: text }),
        Some(_) => Err(Failure::usage(format!(
            "{top} is signed by this key with a log entry or a timestamp, which was not asked for"
        ))
        .hint("--force signs it anew")),
        None => {
            Err(Failure::usage(format!("{top} is signed by another signer")).hint("--force signs it anew"))
        }
    }
}

/// The signature, if it is by this very key and cosign accepts it. One that cosign does not accept
/// although it names this key is no signature, and its bundle is rejected.
fn by_this_key(
    top: &str,
    there: &Evidence,
    manifest: &[u8],
    signing: &Signing<'_>,
) -> Result<Option<Evidence>> {
    let Some(key) = signing.public_key().filter(|key| there.signer() == SignedBy::Key(key.sha256())) else {
        return Ok(None);
    };
    match signing.cosign().verify(key, there, manifest.to_vec())? {
        cosign::Verdict::Accepted(_) => Ok(Some(there.clone())),
        cosign::Verdict::Refused { said } => Err(Failure::rejected(format!(
            "{top} has a signature that names this key, and cosign does not accept it"
        ))
        .cosign_said(said)
        .hint(format!(
            "find out who made it; {SIGNATURE} has to be removed by hand before it is signed anew"
        ))),
    }
}

fn sign(bundle: &Beneath, manifest: Vec<u8>, signing: &Signing<'_>, context: &Context) -> Result<Evidence> {
    let staging = Staging::for_bundle(bundle)?;
    let evidence = signing.sign(manifest, &staging.scratch()?)?;
    let unseen = ProgressBar::hidden();
    Sealed::signature(staging, bundle, &evidence.to_json())?.publish(&context.work(&unseen))?;
    Ok(evidence)
}
