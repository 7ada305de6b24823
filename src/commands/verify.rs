//! `verify`: the signature first, then every file. For each bundle, in this order:
//!
//! 1. The manifest exists, and its bytes are read once. The signature file exists and parses strictly.
//! 2. Signer, digest, log entry and timestamp are of the kind that the trust flags ask for (`trust`).
//! 3. cosign accepts the signature over exactly these bytes (`cosign/verify_blob.rs`). Meanwhile the files are already
//!    read and compared, since cosign takes a quarter of a second.
//! 4. Only then the manifest is believed, and what was found about the files is reported.

use crate::both::both;
use crate::commands::bundle_check::{check_files, manifest_text, report, signature_file};
use crate::commands::not_a_bundle::{self, CHECKSUMS_ONLY};
use crate::commands::signing::signature_report;
use crate::commands::trust::TrustPolicy;
use crate::context::Context;
use crate::cosign::verify_blob::{CosignAnswer, Early};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::verify::{Scope, VerifyPlan};
use crate::report::{BundleReport, Report, Verdict};
use crate::tree::MANIFEST;
use crate::tree::check::Checked;
use crate::tree::manifest::Manifest;
use crate::tree::rooted_dir::RootedDir;

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
        Scope::Signature(trust) => {
            let session = context.session(paths)?;
            let policy = TrustPolicy::new(trust, paths, context, &session, report)?;
            each(&bundles, report, |bundle| signed(bundle, &policy, context))
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

fn signed(bundle: &RootedDir, policy: &TrustPolicy<'_>, context: &Context) -> Result<BundleReport> {
    let top = bundle.show(b"");
    // First, so that a directory that is not a bundle is not called an unsigned one.
    let text = manifest_text(bundle, ELSEWHERE)?;
    let Some(evidence) = signature_file(bundle)? else {
        return Err(not_a_bundle::without_signature(bundle));
    };
    let digest = Sha256Digest::of(&text);
    let request = policy.request(&top, &evidence, &text, digest)?;
    let (verdict, early) =
        ask_and_look(bundle, &text, context, &|| policy.cosign.verify(request, &evidence, &text));
    let accepted = match verdict? {
        CosignAnswer::Accepted(accepted) => accepted,
        CosignAnswer::Refused { said } => {
            return Err(Failure::rejected(format!("{top}: cosign does not accept the signature"))
                .with_cosign_output(said)
                .hint(CHECKSUMS_ONLY));
        }
    };
    let Some(checked) = early.believe(&accepted) else {
        return Err(Failure::new(Class::Broken, format!("{top}: cosign accepted another manifest (a bug)")));
    };
    let checked = checked?;
    let mut result = report(bundle, digest, checked, Verdict::Accepted, context);
    result.signatures = vec![signature_report(&evidence, request.log, request.timestamp)];
    Ok(result)
}

fn checksums_only(bundle: &RootedDir, context: &Context) -> Result<BundleReport> {
    let text = manifest_text(bundle, ELSEWHERE)?;
    let checked = files(bundle, &text, context, &context.interrupt)?;
    Ok(report(bundle, Sha256Digest::of(&text), checked, Verdict::Unproven, context))
}

/// Asks cosign, and reads the files meanwhile; the reading is given up as soon as the signature is
/// not accepted.
fn ask_and_look<'m>(
    bundle: &RootedDir,
    text: &'m [u8],
    context: &Context,
    ask: &(impl Fn() -> Result<CosignAnswer<'m>> + Sync),
) -> (Result<CosignAnswer<'m>>, Early<'m, Result<Checked>>) {
    let meanwhile = context.interrupt.of_a_part();
    let look = || Early::found(text, |text| files(bundle, text, context, &meanwhile));
    let ask = || {
        let verdict = ask();
        if !matches!(verdict, Ok(CosignAnswer::Accepted(_))) {
            meanwhile.give_up();
        }
        verdict
    };
    both(&ask, look)
}

/// Compares the files with these bytes as their manifest.
fn files(bundle: &RootedDir, text: &[u8], context: &Context, interrupt: &Interrupt) -> Result<Checked> {
    let manifest = Manifest::unproven(text)
        .map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())).hint(AGAIN))?;
    check_files(bundle, &manifest, None, context, interrupt)
}
