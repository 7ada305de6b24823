//! `verify`: the signature first, then every file. For each bundle, in this order:
//!
//! 1. The manifest exists, and its bytes are read once. The signature file exists and parses strictly.
//! 2. Signer, digest, log entry and timestamp are of the kind that the trust flags ask for (`trust`).
//! 3. cosign accepts the signature over exactly these bytes (`cosign/verify_blob.rs`). Meanwhile the files are already
//!    read and compared, since cosign takes a quarter of a second.
//! 4. Only then the manifest is believed: the release that the bundle is, and what was found about the files.
//! 5. If all is well, the copy of the files that was made meanwhile is moved into place.

use crate::both::both;
use crate::commands::bundle_check::{self, check_files, manifest_text, report, signature_file};
use crate::commands::not_a_bundle::{self, CHECKSUMS_ONLY};
use crate::commands::signing::signature_report;
use crate::commands::trust::TrustPolicy;
use crate::context::Context;
use crate::cosign::verify_blob::{CosignAnswer, Early};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::verify::{ExpectedRelease, Scope, SignaturePlan, VerifyPlan};
use crate::progress::Progress;
use crate::release::{RELEASE, Release};
use crate::report::{BundleReport, ReleaseReport, Report, Verdict};
use crate::tree::MANIFEST;
use crate::tree::check::{Checked, Keep};
use crate::tree::manifest::Manifest;
use crate::tree::pending_copy::PendingCopy;
use crate::tree::rooted_dir::RootedDir;
use crate::tree::target::{Purpose, Target};

/// The hint for receivers of a malformed manifest. A new manifest would sign off whatever files are
/// there.
const AGAIN: &str = "get the bundle again from where it came from";

/// The hint for a directory without a manifest.
const ELSEWHERE: &str = "give the directory that holds it";

/// Verifies every bundle of the plan. What is impossible for one is refused before any work.
pub(crate) fn run(plan: &VerifyPlan, context: &Context, report: &mut Report) -> Result<()> {
    let VerifyPlan { bundles: paths, scope } = plan;
    let bundles = not_a_bundle::open(paths)?;
    match scope {
        Scope::ChecksumsOnly => each(&bundles, report, |bundle| checksums_only(bundle, context)),
        Scope::Signature(plan) => {
            let SignaturePlan { trust, release, copy_to, receipt: _ } = &**plan;
            let unseen = Progress::hidden();
            let target = |path| Target::new(Purpose::Copy, path, paths, &context.work(&unseen));
            let target = copy_to.as_deref().map(target).transpose()?;
            let session = context.session(paths)?;
            let policy = TrustPolicy::new(trust, paths, context, &session, report)?;
            each(&bundles, report, |bundle| signed(bundle, &policy, release, target.as_ref(), context))
        }
    }
}

/// Verifies one bundle after the other; only a signal ends that early.
fn each(
    bundles: &[RootedDir],
    report: &mut Report,
    verify: impl Fn(&RootedDir) -> Result<BundleReport>,
) -> Result<()> {
    for bundle in bundles {
        report.bundles.push(match verify(bundle) {
            Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
            Err(failure) => BundleReport::failed(bundle.path(), failure),
            Ok(verified) => verified,
        });
    }
    Ok(())
}

fn signed(
    bundle: &RootedDir,
    policy: &TrustPolicy<'_>,
    expected: &ExpectedRelease,
    target: Option<&Target>,
    context: &Context,
) -> Result<BundleReport> {
    let top = bundle.show(b"");
    // First, so that a directory that is not a bundle is not called an unsigned one.
    let text = manifest_text(bundle, ELSEWHERE)?;
    let Some(evidence) = signature_file(bundle)? else {
        return Err(not_a_bundle::without_signature(bundle));
    };
    let digest = Sha256Digest::of(&text);
    let request = policy.request(&top, &evidence, &text, digest)?;
    let copy = target.map(PendingCopy::begin).transpose()?;
    let keep = copy.as_ref().map_or(Keep::Nothing, Keep::Copies);
    let look = |text, interrupt: &_| look(bundle, text, expected, keep, context, interrupt);
    let (verdict, early) =
        ask_and_look(&text, context, &|| policy.cosign.verify(request, &evidence, &text), look);
    let accepted = match verdict? {
        CosignAnswer::Accepted(accepted) => accepted,
        CosignAnswer::Refused { said } => {
            return Err(Failure::rejected(format!("{top}: cosign does not accept the signature"))
                .with_cosign_output(said)
                .hint(CHECKSUMS_ONLY));
        }
    };
    let Some(seen) = early.believe(&accepted) else {
        return Err(Failure::new(Class::Broken, format!("{top}: cosign accepted another manifest (a bug)")));
    };
    let Seen { manifest, checked, release } = seen?;
    let mut result = report(bundle, digest, checked, Verdict::Accepted, context);
    result.signatures = vec![signature_report(&evidence, request.log, request.timestamp)];
    if result.verdict == Verdict::Accepted {
        result.release = release.map(ReleaseReport::from);
        if let Some(copy) = copy {
            let unseen = Progress::hidden();
            copy.publish(&manifest, &evidence.to_json(), &context.work(&unseen))?;
            result.copied_to = target.map(|target| target.path().to_owned());
        }
    }
    Ok(result)
}

fn checksums_only(bundle: &RootedDir, context: &Context) -> Result<BundleReport> {
    let text = manifest_text(bundle, ELSEWHERE)?;
    let any = ExpectedRelease::default();
    let seen = look(bundle, &text, &any, Keep::Nothing, context, &context.interrupt)?;
    Ok(report(bundle, Sha256Digest::of(&text), seen.checked, Verdict::Unproven, context))
}

/// Asks cosign, and looks at the files meanwhile; that is given up as soon as the signature is not accepted.
fn ask_and_look<'m, T>(
    text: &'m [u8],
    context: &Context,
    ask: &(impl Fn() -> Result<CosignAnswer<'m>> + Sync),
    look: impl FnOnce(&'m [u8], &Interrupt) -> T,
) -> (Result<CosignAnswer<'m>>, Early<'m, T>) {
    let meanwhile = context.interrupt.of_a_part();
    let ask = || {
        let verdict = ask();
        if !matches!(verdict, Ok(CosignAnswer::Accepted(_))) {
            meanwhile.give_up();
        }
        verdict
    };
    both(&ask, || Early::found(text, |text| look(text, &meanwhile)))
}

/// What the files show if a text is their manifest.
struct Seen<'m> {
    manifest: Manifest<'m>,
    checked: Checked,
    release: Option<Release>,
}

/// Compares the release and then the files with these bytes as their manifest.
fn look<'m>(
    bundle: &RootedDir,
    text: &'m [u8],
    expected: &ExpectedRelease,
    keep: Keep<'_>,
    context: &Context,
    interrupt: &Interrupt,
) -> Result<Seen<'m>> {
    let manifest = Manifest::unproven(text)
        .map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())).hint(AGAIN))?;
    let release = bundle_check::release(bundle, &manifest);
    if expected.is_some() {
        expect(bundle, &manifest, expected, release.as_ref())?;
    }
    let checked = check_files(bundle, &manifest, release.as_ref(), keep, context, interrupt)?;
    Ok(Seen { manifest, checked, release })
}

/// Rejects a bundle that is not the expected release.
fn expect(
    bundle: &RootedDir,
    manifest: &Manifest<'_>,
    expected: &ExpectedRelease,
    release: Option<&Release>,
) -> Result<()> {
    let top = bundle.show(b"");
    match release {
        Some(release) => match expected.difference(release) {
            Some(difference) => Err(Failure::rejected(format!("{top} {difference}"))
                .hint("check that you have the right medium, and that nobody sent you an old release again")),
            None => Ok(()),
        },
        None if manifest.find(RELEASE.as_bytes()).is_some() => Err(Failure::rejected(format!(
            "{top} does not say which release it is: its {RELEASE} is missing, changed, or not written by aicr"
        ))),
        None => {
            Err(Failure::rejected(format!("{top} does not say which release it is: it has no {RELEASE}"))
                .hint("the sender builds it with --release-name and --release-version"))
        }
    }
}
