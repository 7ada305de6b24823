//! `bundle-sign`: signs bundles that exist. All of them are checked before the first is signed: a
//! tree that is not exactly its manifest is never signed, and a stale signature never replaced.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;

use crate::commands::bundle_check::{
    self, MAKE_AGAIN, MAKE_ONE, check_files, check_only_names, manifest_text,
};
use crate::commands::not_a_bundle;
use crate::commands::signatures::{self, SignatureFile};
use crate::commands::signing::{SignatureOwner, Signing};
use crate::context::Context;
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::plan::bundle::{BundleSignPlan, OtherSignatures};
use crate::progress::Progress;
use crate::report::{BundleReport, Report, Verdict};
use crate::tree::check::Keep;
use crate::tree::layout::Layout;
use crate::tree::manifest::Manifest;
use crate::tree::names::Names;
use crate::tree::publish::{Sealed, SignaturePlace};
use crate::tree::rooted_dir::RootedDir;
use crate::tree::second_look::{Expected, FileId, OwnFiles};
use crate::tree::signature_files::{MAX_SIGNATURES, further_signature};
use crate::tree::staging::Staging;
use crate::tree::{ATTESTATION, MANIFEST, SIGNATURE};

/// The warning before a bundle has its second signature.
const OLD_RECEIVERS: &str = "aicr 0.1.0 rejects a bundle that has a second signature";

/// Signs every bundle of the plan, in order. What is impossible for one is refused before any work.
pub(crate) fn run(plan: &BundleSignPlan, context: &Context, report: &mut Report) -> Result<()> {
    let BundleSignPlan { bundles: paths, signer, others, dry_run } = plan;
    let bundles = not_a_bundle::open(paths)?;
    refuse_twice(&bundles)?;
    let session = context.session(paths)?;
    let signing = Signing::prepare(signer, paths, *dry_run, &session, context, report)?;

    let mut looked_at = Vec::new();
    for bundle in &bundles {
        // Leftovers of a killed run are no reason to reject a bundle.
        let swept = if *dry_run { Ok(()) } else { Staging::sweep_inside(bundle) };
        looked_at.push(match swept.and_then(|()| look(bundle, &signing, *others, *dry_run, context)) {
            Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
            Err(failure) => {
                CheckedBundle { report: BundleReport::failed(bundle.path(), failure), to_sign: None }
            }
            Ok(looked) => looked,
        });
    }

    if looked_at.iter().filter_map(|looked| looked.to_sign.as_ref()).any(Seen::gets_a_second_signature) {
        context.printer.warning(OLD_RECEIVERS);
    }
    let mut stopped = looked_at.iter().any(|looked| looked.report.error.is_some());
    for (bundle, CheckedBundle { report: mut done, to_sign }) in bundles.iter().zip(looked_at) {
        match to_sign {
            None if done.verdict == Verdict::AlreadySigned && !dry_run => Staging::sweep(bundle),
            None => {}
            Some(_) if stopped => done.verdict = Verdict::NotAttempted,
            Some(_) if *dry_run => {
                done.verdict = Verdict::Planned;
                done.commands = vec![signing.planned_command()];
            }
            Some(seen) => match sign(bundle, &seen, &signing, context) {
                Ok(signatures) => {
                    if let Some(own) = signatures.first() {
                        done.signatures = signing.reports(own, &signatures);
                        done.commands = vec![signing.verify_command(bundle.path(), &own.evidence)];
                    }
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
        signing.write_public_key()?;
    }
    Ok(())
}

/// A bundle that was checked.
struct CheckedBundle {
    /// The report about it; `signed` if all goes well.
    report: BundleReport,
    /// What is signed; `None` if it is signed already, or something is wrong with it.
    to_sign: Option<Seen>,
}

/// What was read when a bundle was checked.
struct Seen {
    manifest: Vec<u8>,
    /// The files that were read; in a dry run they are not.
    files: Vec<FileId>,
    signatures: Vec<SignatureFile>,
    /// Where the new signature belongs.
    place: SignaturePlace,
}

impl Seen {
    /// Whether the new signature is the second one.
    fn gets_a_second_signature(&self) -> bool {
        let is_new = |path: &str| self.signatures.iter().all(|file| file.path != path);
        self.signatures.len() == 1 && matches!(&self.place, SignaturePlace::At(path) if is_new(path))
    }
}

/// Refuses a bundle that is named twice: the second signature would replace the first.
fn refuse_twice(bundles: &[RootedDir]) -> Result<()> {
    let mut seen = HashMap::new();
    for bundle in bundles {
        let stat = bundle.stat(b"").with_context(|| format!("look at {}", bundle.show(b"")))?;
        if let Some(first) = seen.insert((stat.st_dev, stat.st_ino), bundle) {
            let (first, second) = (first.show(b""), bundle.show(b""));
            return Err(
                Failure::usage(format!("{first} and {second} are the same bundle")).hint("name it once")
            );
        }
    }
    Ok(())
}

/// The signer answers for these bytes, so they need no other proof.
fn manifest_of<'a>(bundle: &RootedDir, text: &'a [u8]) -> Result<Manifest<'a>> {
    Manifest::unproven(text).map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())).hint(MAKE_AGAIN))
}

fn look(
    bundle: &RootedDir,
    signing: &Signing<'_>,
    others: OtherSignatures,
    dry_run: bool,
    context: &Context,
) -> Result<CheckedBundle> {
    let text = manifest_text(bundle, || MAKE_ONE.to_owned())?;
    let digest = Sha256Digest::of(&text);
    let manifest = manifest_of(bundle, &text)?;
    let files = Mutex::new(vec![FileId::default(); manifest.len()]);
    let checked = if dry_run {
        check_only_names(bundle, &manifest, context)
    } else {
        let release = bundle_check::release(bundle, &manifest);
        let keep = Keep::Record(&files);
        check_files(bundle, &manifest, Layout::Bundle, release.as_ref(), keep, context, &context.interrupt)
    };
    let mut report = bundle_check::report(bundle, digest, checked?, Verdict::Signed, context);
    if report.error.is_some() {
        return Ok(CheckedBundle { report, to_sign: None });
    }
    let files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
    let signatures = signatures::read(bundle)?;
    let top = bundle.show(b"");
    signatures::are_over(&signatures, &top, MANIFEST, &text, digest).map_err(|failure| {
        failure.hint(format!("find out who changed it; to sign again, remove {SIGNATURE} by hand first"))
    })?;
    let Some(place) = place(&signatures, &top, &text, signing, others)? else {
        report.verdict = Verdict::AlreadySigned;
        if let Some(own) = signing.own(&signatures) {
            report.signatures = signing.reports(own, &signatures);
            report.commands = vec![signing.verify_command(bundle.path(), &own.evidence)];
        }
        return Ok(CheckedBundle { report, to_sign: None });
    };
    Ok(CheckedBundle { report, to_sign: Some(Seen { manifest: text, files, signatures, place }) })
}

/// Where the signature of this run belongs, next to those over `text` that exist; `None` if this signer's is there as
/// wanted. What a flag has to allow is exit 2 without it.
fn place(
    signatures: &[SignatureFile],
    top: &str,
    text: &[u8],
    signing: &Signing<'_>,
    others: OtherSignatures,
) -> Result<Option<SignaturePlace>> {
    let Some(first) = signatures.first() else { return Ok(Some(SignaturePlace::Alone)) };
    let SignatureFile { path, evidence } = signing.own(signatures).unwrap_or(first);
    let (by, place) = match signing.owner(evidence, text)? {
        SignatureOwner::AsWanted => return Ok(None),
        SignatureOwner::Refused(said) => {
            let kind = signing.signer_kind();
            return Err(Failure::rejected(format!(
                "{top} has a signature that names this {kind}, and cosign does not accept it"
            ))
            .with_cosign_output(said)
            .hint(format!("find out who made it; to sign again, remove {path} by hand first")));
        }
        SignatureOwner::RecordedOtherwise => (
            "this signer, but recorded with different services than requested".to_owned(),
            SignaturePlace::At(path.clone()),
        ),
        SignatureOwner::Another(_) if others == OtherSignatures::Keep => {
            return next_to(signatures, top, signing).map(Some);
        }
        SignatureOwner::Another(by) => (by, SignaturePlace::Alone),
        SignatureOwner::Unknown => return Ok(Some(SignaturePlace::Alone)),
    };
    let hint = match (others, &place) {
        (OtherSignatures::Replace, _) => return Ok(Some(place)),
        (OtherSignatures::Keep, _) => "--force, without --add, replaces that signature",
        (OtherSignatures::Refuse, SignaturePlace::Alone) if signing.key_sha256().is_some() => {
            "--add keeps that signature and adds another one; --force replaces it"
        }
        (OtherSignatures::Refuse, _) => "--force replaces that signature",
    };
    Err(Failure::usage(format!("{top} is signed by {by}")).hint(hint))
}

/// The place of a further signature.
fn next_to(signatures: &[SignatureFile], top: &str, signing: &Signing<'_>) -> Result<SignaturePlace> {
    if signatures.len() >= MAX_SIGNATURES {
        return Err(Failure::usage(format!("{top} has {MAX_SIGNATURES} signatures, and can have no more"))
            .hint(format!("remove signatures that are not needed from {top}/{ATTESTATION}")));
    }
    let key = signing.key_sha256().ok_or_else(|| {
        Failure::new(Class::Broken, format!("{top}: the key of a further signature is not known (a bug)"))
    })?;
    Ok(SignaturePlace::At(further_signature(key)))
}

/// Signs a bundle. Returns its signatures, that of this run first.
fn sign(
    bundle: &RootedDir,
    seen: &Seen,
    signing: &Signing<'_>,
    context: &Context,
) -> Result<Vec<SignatureFile>> {
    let staging = Staging::for_bundle(bundle)?;
    let own_files = OwnFiles::of(bundle);
    // Since the check other bundles were signed, and another run may have changed this one. The lock of the
    // staging directory prevents that from here on.
    if manifest_text(bundle, || MAKE_ONE.to_owned())? != seen.manifest
        || signatures::read(bundle)? != seen.signatures
    {
        return Err(Failure::rejected(format!(
            "{} was changed while this run was working: another run of aicr may be the cause",
            bundle.show(b"")
        )));
    }
    let made = signing.sign(&seen.manifest)?;
    let unseen = Progress::hidden();
    let manifest = manifest_of(bundle, &seen.manifest)?;
    let expected = Expected { names: Names::Listed(&manifest), files: &seen.files, pending: None };
    let Seen { place, signatures, .. } = seen;
    Sealed::signature(staging, bundle, expected, own_files, &made.to_json(), place.clone())?
        .publish(&context.work(&unseen))?;
    let (path, others) = match place {
        SignaturePlace::At(path) => (path.as_str(), signatures.as_slice()),
        SignaturePlace::Alone => {
            if signatures.len() > 1 {
                let (top, count) = (bundle.show(b""), signatures.len());
                context.printer.warning(&format!("{top}: the new signature replaces {count} others"));
            }
            (SIGNATURE, &[][..])
        }
    };
    let own = SignatureFile { path: path.to_owned(), evidence: made };
    let others = others.iter().filter(|file| file.path != path).cloned();
    Ok(std::iter::once(own).chain(others).collect())
}
