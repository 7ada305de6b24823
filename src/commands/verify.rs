//! `verify`: the signature and every file. No line of a manifest is believed, and no finding
//! reported, before cosign has accepted exactly the bytes that were read.

use std::thread;

use indicatif::ProgressBar;

use crate::commands::signing::signature_report;
use crate::commands::trust::{CHECKSUMS_ONLY, TrustPolicy};
use crate::context::Context;
use crate::cosign::verify_blob::{self, Early};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::verify::{Trust, VerifyPlan};
use crate::report::{BundleReport, ManifestReport, Report, Verdict};
use crate::sigstore::evidence::{Evidence, SIZE_LIMIT};
use crate::tree::audit::Findings;
use crate::tree::check::{Checked, check, check_names};
use crate::tree::manifest::{self, Manifest};
use crate::tree::rooted_dir::{FileKind, OpenError, RootedDir, SmallError};
use crate::tree::{ATTESTATION, MANIFEST, SIGNATURE, Work, walk};

/// What receivers can do about a manifest that is none: whoever made it anew would vouch for what is there.
const AGAIN: &str = "get the bundle again from where it came from";

/// What they can do where there is none.
const ELSEWHERE: &str = "give the directory that holds it";

/// Verifies every bundle of the plan. What is impossible for one is refused before any work.
pub(crate) fn run(plan: &VerifyPlan, context: &Context, report: &mut Report) -> Result<()> {
    let VerifyPlan { bundles: paths, trust } = plan;
    let bundles = paths.iter().map(|path| RootedDir::open(path)).collect::<Result<Vec<_>>>()?;
    let session = match trust {
        Trust::Key { .. } | Trust::Identity { .. } => Some(context.session(paths)?),
        Trust::ChecksumsOnly => None,
    };
    let judge = match &session {
        Some(session) => TrustPolicy::new(trust, paths, context, session, report)?,
        None => None,
    };
    for bundle in &bundles {
        let verified = match &judge {
            Some(policy) => signed(bundle, policy, context),
            None => checksums_only(bundle, context),
        };
        report.bundles.push(match verified {
            Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
            Err(failure) => BundleReport::failed(bundle.path(), failure),
            Ok(verified) => verified,
        });
    }
    Ok(())
}

fn signed(bundle: &RootedDir, policy: &TrustPolicy<'_>, context: &Context) -> Result<BundleReport> {
    let top = bundle.show(b"");
    // First, so that a directory which is no bundle at all is not called an unsigned one.
    let text = manifest_text(bundle, ELSEWHERE)?;
    let Some(evidence) = evidence(bundle)? else {
        return Err(
            Failure::rejected(format!("{top} is unsigned: it has no {SIGNATURE}")).hint(CHECKSUMS_ONLY)
        );
    };
    let digest = Sha256Digest::of(&text);
    let question = policy.question(&top, &evidence, digest)?;
    let (verdict, early) =
        ask_and_look(bundle, &text, context, &|| policy.cosign.verify(question, &evidence, &text));
    let accepted = match verdict? {
        verify_blob::CosignAnswer::Accepted(accepted) => accepted,
        verify_blob::CosignAnswer::Refused { said } => {
            return Err(Failure::rejected(format!("{top}: cosign does not accept the signature"))
                .cosign_said(said)
                .hint(CHECKSUMS_ONLY));
        }
    };
    let Some(checked) = early.believe(&accepted) else {
        return Err(Failure::new(Class::Broken, format!("{top}: cosign accepted another manifest (a bug)")));
    };
    let checked = checked?;
    let mut report = conclude(bundle, digest, checked, Verdict::Accepted, context);
    report.signatures = vec![signature_report(&evidence, question.log, question.timestamp)];
    Ok(report)
}

fn checksums_only(bundle: &RootedDir, context: &Context) -> Result<BundleReport> {
    let text = manifest_text(bundle, ELSEWHERE)?;
    let checked = files(bundle, &text, context, &context.interrupt)?;
    Ok(conclude(bundle, Sha256Digest::of(&text), checked, Verdict::Unproven, context))
}

/// Asks cosign, and looks at the files meanwhile: it takes a quarter of a second even for the smallest bundle.
/// That is given up as soon as the signature is not accepted.
fn ask_and_look<'m>(
    bundle: &RootedDir,
    text: &'m [u8],
    context: &Context,
    ask: &(impl Fn() -> Result<verify_blob::CosignAnswer<'m>> + Sync),
) -> (Result<verify_blob::CosignAnswer<'m>>, Early<'m, Result<Checked>>) {
    let meanwhile = context.interrupt.of_a_part();
    let look = || Early::found(text, |text| files(bundle, text, context, &meanwhile));
    let ask = || {
        let verdict = ask();
        if !matches!(verdict, Ok(verify_blob::CosignAnswer::Accepted(_))) {
            meanwhile.give_up();
        }
        verdict
    };
    thread::scope(|scope| match thread::Builder::new().spawn_scoped(scope, ask) {
        Ok(asked) => {
            let early = look();
            (asked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), early)
        }
        // No thread is to be had: one after the other.
        Err(_) => (ask(), look()),
    })
}

/// Holds the tree against these bytes as its manifest.
fn files(bundle: &RootedDir, text: &[u8], context: &Context, interrupt: &Interrupt) -> Result<Checked> {
    let manifest = Manifest::unproven(text)
        .map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())).hint(AGAIN))?;
    compare(bundle, &manifest, context, interrupt)
}

/// Holds the tree against a manifest.
pub(crate) fn compare(
    bundle: &RootedDir,
    manifest: &Manifest<'_>,
    context: &Context,
    interrupt: &Interrupt,
) -> Result<Checked> {
    let bar = context.printer.progress("verify", 0);
    let work = Work { interrupt, ..context.work(&bar) };
    let listing = walk::list(bundle, &work)?;
    let checked = check(bundle, manifest, &listing, &work);
    bar.finish_and_clear();
    checked
}

/// Holds the names of a tree against a manifest, reading no file.
pub(crate) fn names(bundle: &RootedDir, manifest: &Manifest<'_>, context: &Context) -> Result<Checked> {
    let unseen = ProgressBar::hidden();
    let listing = walk::list(bundle, &context.work(&unseen))?;
    Ok(check_names(bundle, manifest, &listing))
}

/// The report: `good` if nothing is wrong with any file.
pub(crate) fn conclude(
    bundle: &RootedDir,
    digest: Sha256Digest,
    checked: Checked,
    good: Verdict,
    context: &Context,
) -> BundleReport {
    let Checked { findings, warnings, files, bytes } = checked;
    for warning in warnings {
        context.printer.warning(&warning);
    }
    let mut report = BundleReport::new(bundle.path(), good);
    report.manifest = Some(ManifestReport { sha256: Some(digest), files, bytes });
    let Findings { kept, total, hint } = findings;
    if total > 0 {
        let top = bundle.show(b"");
        let files = if total == 1 { "file is" } else { "files are" };
        let mut failure =
            Failure::rejected(format!("{top} is not what its manifest says: {total} {files} wrong"));
        if let Some(hint) = hint {
            failure = failure.hint(hint);
        }
        report.verdict = Verdict::Rejected;
        report.error = Some(failure);
    }
    report.findings = kept;
    report.findings_total = total;
    report
}

/// The signature file, read strictly; none if there is none.
pub(crate) fn evidence(bundle: &RootedDir) -> Result<Option<Evidence>> {
    let path = bundle.show(SIGNATURE.as_bytes());
    let text = match bundle.read_small(SIGNATURE.as_bytes(), SIZE_LIMIT) {
        Ok(text) => text,
        Err(SmallError::Open(OpenError::Missing)) => return Ok(None),
        Err(error) => {
            // The thing in the way may be the directory.
            let directory =
                bundle.stat(ATTESTATION.as_bytes()).is_ok_and(|stat| FileKind::of(&stat) == FileKind::Link);
            let culprit = if directory { bundle.show(ATTESTATION.as_bytes()) } else { path };
            return Err(error.rejects(culprit));
        }
    };
    let evidence = Evidence::parse(&text).map_err(|why| Failure::rejected(format!("{path} {why}")))?;
    Ok(Some(evidence))
}

/// The bytes of the manifest; a tree without one is no bundle, and `hint` says what to do then.
pub(crate) fn manifest_text(bundle: &RootedDir, hint: &str) -> Result<Vec<u8>> {
    bundle.read_small(MANIFEST.as_bytes(), manifest::MAX_BYTES).map_err(|error| match error {
        SmallError::Open(OpenError::Missing) => {
            Failure::rejected(format!("{} has no {MANIFEST}, so it is no bundle", bundle.show(b"")))
                .hint(hint)
        }
        error => error.rejects(bundle.show(MANIFEST.as_bytes())),
    })
}
