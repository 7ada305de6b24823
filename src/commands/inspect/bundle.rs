//! What a bundle says of itself: its manifest, its signatures, and whether it has the files that the
//! manifest lists. Only names and sizes of those are looked at.

use crate::commands::bundle_check::{self, check_only_names, manifest_text};
use crate::commands::signatures::{self, SignatureFile};
use crate::context::Context;
use crate::digest::Sha256Digest;
use crate::error::Result;
use crate::printable::{quoted, quoted_path, show};
use crate::report::description::{BundleDescription, Description};
use crate::report::{BundleReport, ManifestReport, ReleaseReport, Verdict};
use crate::sigstore::evidence::{Evidence, SignedBy};
use crate::tree::manifest::Manifest;
use crate::tree::rooted_dir::RootedDir;
use crate::tree::{MANIFEST, misplaced};

/// The hints for a bundle that cannot be read.
const ELSEWHERE: &str = "give the directory that holds it";
const AGAIN: &str = "get the bundle again from where it came from";

/// The report about a bundle.
pub(super) fn describe(bundle: &RootedDir, context: &Context) -> Result<BundleReport> {
    let top = bundle.show(b"");
    let text = manifest_text(bundle, || ELSEWHERE.to_owned())?;
    let manifest = Manifest::unproven(&text)
        .map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())).hint(AGAIN))?;
    let signatures = signatures::read(bundle)?;
    let checked = check_only_names(bundle, &manifest, context)?;
    let digest = Sha256Digest::of(&text);
    let mut report = BundleReport::new(bundle.path(), Verdict::Described);
    report.manifest = Some(ManifestReport {
        sha256: Some(digest),
        files: checked.files,
        bytes: checked.bytes,
        absent: None,
    });
    report.release = bundle_check::release(bundle, &manifest).map(ReleaseReport::from);
    let mut description = BundleDescription::default();
    description.wrong_names = checked.findings.total;
    let path = quoted_path(bundle.path());
    report.signatures = signatures.iter().map(SignatureFile::unchecked).collect();
    if let Some(SignatureFile { evidence, .. }) = signatures.first() {
        description.signature(evidence, digest);
        let over_others = signatures[1..].iter().filter(|file| file.evidence.digest() != digest);
        description.further_over_others = over_others.count() as u64;
        report.commands = vec![format!("aicr verify {path} {}", trust_flags(evidence))];
    } else {
        if let Some(found) = misplaced::signature(bundle) {
            let found = show(&found);
            context.printer.warning(&format!("{top} has {found}, which aicr does not read"));
        }
        report.commands = vec![format!("aicr verify {path} --checksums-only")];
    }
    report.description = Some(Description::Bundle(description));
    Ok(report)
}

/// The flags with which `verify` may accept a signature, if its signer is to be trusted.
pub(super) fn trust_flags(evidence: &Evidence) -> String {
    let root = "--trusted-root trusted_root.json";
    match (evidence.signer(), evidence.log_entry()) {
        (SignedBy::Key(_), None) => "--key cosign.pub --insecure-ignore-tlog".to_owned(),
        (SignedBy::Key(_), Some(_)) => format!("--key cosign.pub {root}"),
        (SignedBy::Certificate(certificate), entry) => {
            let [identity, issuer] = [certificate.identity(), certificate.issuer()].map(quoted);
            let identity =
                format!("--certificate-identity {identity} --certificate-oidc-issuer {issuer} {root}");
            match entry {
                Some(_) => identity,
                // Only a timestamp shows when it was signed.
                None => format!("{identity} --insecure-ignore-tlog --require-timestamp"),
            }
        }
    }
}
