//! `verify`: the signature first, then every file. For each bundle, in this order:
//!
//! 1. The manifest exists, and its bytes are read once. The signature files exist and parse strictly (`signatures`).
//! 2. Signers, digests, log entries and timestamps are of the kind that the trust flags ask for (`trust`).
//! 3. cosign accepts each signature by a trusted signer over exactly these bytes (`cosign/verify_blob.rs`). Meanwhile
//!    the files are already read and compared, since cosign takes a quarter of a second.
//! 4. Only then the manifest is believed: the release that the bundle is, and what was found about the files.
//!    With `--shard`, that is about a part of the files.
//! 5. The receipt is written. If all is well, the copy of the files that was made meanwhile is moved into place.

use camino::Utf8PathBuf;

use crate::commands::receipt::receipt;
use crate::commands::received::{self, Listed, ReadSignatures, Received, Seen};
use crate::commands::signatures::SignatureFile;
use crate::commands::trust::TrustPolicy;
use crate::commands::trusted_key::TrustedKeys;
use crate::context::Context;
use crate::cosign::verify_blob::{Accepted, Early};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::interrupt::Interrupt;
use crate::parallel::both;
use crate::plan::verify::{ForeignPlan, Scope, SignaturePlan, VerifyPlan};
use crate::progress::Progress;
use crate::report::{BundleReport, CosignReport, Report, Verdict};
use crate::tree::check::Keep;
use crate::tree::pending_copy::PendingCopy;
use crate::tree::receipt_file::ReceiptFile;
use crate::tree::target::{Purpose, Target};

/// Verifies every bundle of the plan. What is impossible for one is refused before any work.
pub(crate) fn run(plan: &VerifyPlan, context: &Context, report: &mut Report) -> Result<()> {
    let VerifyPlan { bundles: paths, foreign, scope } = plan;
    let opened = received::open(paths, foreign.is_some(), context)?;
    let received = |place| Received::new(place, foreign.as_ref());
    let bundles: Vec<Received<'_>> = opened.iter().map(received).collect::<Result<_>>()?;
    // What is piped in has no place.
    let paths: Vec<Utf8PathBuf> = paths.iter().filter(|path| *path != "-").cloned().collect();
    let paths = paths.as_slice();
    match scope {
        Scope::ChecksumsOnly => {
            each(&bundles, report, context, |bundle| checksums_only(bundle, context).map(Into::into))
        }
        Scope::Signature(plan) => {
            if plan.shard.is_some() {
                refuse_archives(&bundles)?;
            }
            let unseen = Progress::hidden();
            let target = |path| Target::new(Purpose::Copy, path, paths, &context.work(&unseen));
            let target = plan.copy_to.as_deref().map(target).transpose()?;
            let places = paths.iter().chain(&plan.copy_to).map(Utf8PathBuf::as_path).collect::<Vec<_>>();
            let receipt = plan.receipt.as_deref().map(|path| ReceiptFile::new(path, &places)).transpose()?;
            let session = context.session(paths)?;
            let policy = TrustPolicy::new(&plan.trust, paths, context, &session, report)?;
            let verification = Verification {
                plan,
                foreign: foreign.as_ref(),
                policy,
                cosign: report.cosign.clone(),
                target: target.as_ref(),
                receipt: receipt.as_ref(),
                context,
            };
            let ended = each(&bundles, report, context, |bundle| verification.of(bundle));
            report.bundles.iter_mut().for_each(|bundle| bundle.shard = plan.shard);
            ended
        }
    }
}

/// Refuses archives, which are read from the beginning to the end, where only a part is verified.
fn refuse_archives(bundles: &[Received<'_>]) -> Result<()> {
    match bundles.iter().find(|bundle| matches!(bundle, Received::Archive(_))) {
        None => Ok(()),
        Some(archive) => Err(Failure::usage(format!(
            "--shard cannot be used with the archive {}: it is read in one pass",
            archive.top()
        ))
        .hint("leave out --shard, or unpack the archive")),
    }
}

/// The result for one bundle.
struct Done {
    report: BundleReport,
    /// What went wrong besides, and does not change the verdict.
    failure: Option<Failure>,
}

impl From<BundleReport> for Done {
    fn from(report: BundleReport) -> Self {
        Self { report, failure: None }
    }
}

/// Verifies one bundle after the other; only a signal ends that early.
fn each(
    bundles: &[Received<'_>],
    report: &mut Report,
    context: &Context,
    verify: impl Fn(&Received<'_>) -> Result<Done>,
) -> Result<()> {
    for bundle in bundles {
        let mut done = match verify(bundle) {
            Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
            Err(failure) => bundle.failed(failure).into(),
            Ok(done) => done,
        };
        bundle.complete(&mut done.report, context)?;
        report.bundles.push(done.report);
        report.error = report.error.take().or(done.failure);
    }
    Ok(())
}

/// A verification of signed bundles.
struct Verification<'a> {
    plan: &'a SignaturePlan,
    /// What the directories are, if aicr did not build them.
    foreign: Option<&'a ForeignPlan>,
    policy: TrustPolicy<'a>,
    cosign: Option<CosignReport>,
    /// Where the one bundle is copied to.
    target: Option<&'a Target>,
    /// Where the receipt about the one bundle is written.
    receipt: Option<&'a ReceiptFile>,
    context: &'a Context,
}

/// A bundle whose signatures were accepted.
struct Verified<'a> {
    report: BundleReport,
    listed: Listed<'a>,
    signatures: Vec<SignatureFile>,
    copy: Option<PendingCopy<'a>>,
}

impl Verification<'_> {
    /// Verifies a bundle. If it is accepted, first the receipt is written, and then the copy moved into place.
    fn of(&self, bundle: &Received<'_>) -> Result<Done> {
        // First, so that a directory that is not a bundle is not called an unsigned one.
        let text = bundle.manifest_text()?;
        let digest = Sha256Digest::of(&text);
        let (mut report, ready) = match self.signature_and_files(bundle, &text, digest) {
            Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
            Err(failure) => (bundle.failed(failure), None),
            Ok(Verified { report, listed, signatures, copy }) => {
                let is_accepted = report.verdict == Verdict::Accepted;
                (report, copy.filter(|_| is_accepted).map(|copy| (copy, listed, signatures)))
            }
        };
        if let Some(failure) = self.write_receipt(&report, (bundle.manifest_name(), digest)).err() {
            if report.verdict == Verdict::Accepted {
                return Err(failure);
            }
            return Ok(Done { report, failure: Some(failure) });
        }
        if let Some((copy, listed, signatures)) = ready {
            let unseen = Progress::hidden();
            let work = self.context.work(&unseen);
            let files = signatures.iter().map(|file| (file.path.as_str(), file.evidence.to_json()));
            let files: Vec<_> = files.collect();
            let published = match listed {
                Listed::Bundle(manifest) => copy.publish(&manifest, &files, &work),
                Listed::Whole(whole) => copy.publish_whole(&whole.manifest(), &work),
            };
            published.inspect_err(|_| self.receipt.into_iter().for_each(ReceiptFile::remove))?;
            report.copied_to = self.target.map(|target| target.path().to_owned());
        }
        Ok(report.into())
    }

    /// The steps 1 to 4 at the top of this file, for a bundle with this manifest.
    fn signature_and_files<'m>(
        &'m self,
        bundle: &Received<'_>,
        text: &'m [u8],
        digest: Sha256Digest,
    ) -> Result<Verified<'m>> {
        let Self { plan, policy, context, .. } = self;
        let top = bundle.top();
        let keys = policy.keys().map_or(&[][..], TrustedKeys::keys);
        let ReadSignatures { signatures, file } = bundle.signatures(digest, keys)?;
        let requests = policy.requests(&top, bundle.manifest_name(), signatures.files(), text, digest)?;
        let copy = self.target.map(PendingCopy::begin).transpose()?;
        let keep = match (&copy, plan.shard) {
            (Some(copy), _) => Keep::Copies(copy),
            (None, Some(shard)) => Keep::NothingOf(shard),
            (None, None) => Keep::Nothing,
        };
        let expected = Some(&plan.release);
        let look = |text, interrupt: &_| bundle.look(text, file.as_ref(), expected, keep, context, interrupt);
        let ask = || policy.ask(&top, &signatures, &requests, text);
        let (accepted, early) = ask_and_look(text, context, &ask, look);
        let (accepted, reading) = accepted?;
        let Some(seen) = early.believe(&accepted) else {
            return Err(Failure::new(
                Class::Broken,
                format!("{top}: cosign accepted another manifest (a bug)"),
            ));
        };
        let Seen { listed, checked, release, bad } = seen?;
        let good = if plan.shard.is_some() { Verdict::AcceptedShard } else { Verdict::Accepted };
        let mut report = bundle.report(digest, checked, bad, good, context);
        let signatures = signatures.keep(reading);
        let reports = signatures.iter().map(|(file, place)| match requests.get(*place) {
            Some(Some(request)) => file.checked(request.log, request.timestamp),
            Some(None) | None => file.unchecked(),
        });
        report.signatures = reports.collect();
        if report.verdict == good {
            report.release = release.map(Into::into);
        }
        let signatures = signatures.into_iter().map(|(file, _)| file).collect();
        Ok(Verified { report, listed, signatures, copy })
    }

    /// Writes the receipt, if one is wanted and there is a verdict.
    fn write_receipt(&self, report: &BundleReport, manifest: (&str, Sha256Digest)) -> Result<()> {
        let (Some(file), Some(cosign)) = (self.receipt, &self.cosign) else { return Ok(()) };
        let Self { plan, foreign, policy, context, .. } = self;
        match receipt(report, manifest, plan, *foreign, policy, cosign, context) {
            Some(statement) => file.write(&statement.to_json()),
            None => Ok(()),
        }
    }
}

fn checksums_only(bundle: &Received<'_>, context: &Context) -> Result<BundleReport> {
    let text = bundle.manifest_text()?;
    let seen = bundle.look(&text, None, None, Keep::Nothing, context, &context.interrupt)?;
    Ok(bundle.report(Sha256Digest::of(&text), seen.checked, seen.bad, Verdict::Unproven, context))
}

/// Asks cosign, and looks at the files meanwhile; that is given up as soon as a signature is not accepted.
fn ask_and_look<'m, T>(
    text: &'m [u8],
    context: &Context,
    ask: &(impl Fn() -> Result<(Accepted<'m>, usize)> + Sync),
    look: impl FnOnce(&'m [u8], &Interrupt) -> T,
) -> (Result<(Accepted<'m>, usize)>, Early<'m, T>) {
    let meanwhile = context.interrupt.of_a_part();
    let ask = || ask().inspect_err(|_| meanwhile.give_up());
    both(&ask, || Early::found(text, |text| look(text, &meanwhile)))
}
