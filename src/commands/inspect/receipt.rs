//! What a receipt of `verify --receipt` says.

use camino::Utf8Path;

use crate::error::{Failure, Result};
use crate::printable::{quoted_path, show};
use crate::report::description::{Description, ReceiptDescription};
use crate::report::receipt::{HEAD, Receipt, SIZE_LIMIT, Statement};
use crate::report::{BundleReport, ManifestReport, Verdict};
use crate::small_file::{self, Links};

/// Whether a file begins like a receipt.
pub(super) fn is_one(path: &Utf8Path) -> bool {
    Statement::is_begun_by(&small_file::head(path, HEAD))
}

/// The report about a receipt.
pub(super) fn describe(path: &Utf8Path) -> Result<BundleReport> {
    let shown = show(path.as_str());
    let text = small_file::read(path, SIZE_LIMIT, Links::Follow)
        .map_err(|why| Failure::rejected(format!("{shown} {why}")))?;
    let Some(statement) = Statement::parse(&text) else {
        return Err(Failure::rejected(format!("{shown} is a receipt that is cut off, damaged or changed"))
            .hint("copy it again"));
    };
    let sha256 = Some(statement.manifest_sha256());
    let Receipt {
        verifier,
        time_verified,
        policy,
        bundle,
        manifest,
        signatures,
        release,
        verification_result,
        findings,
        findings_total,
        error,
        notice: _,
    } = statement.predicate;
    let mut report = BundleReport::new(path, Verdict::Described);
    report.manifest = manifest.or(Some(ManifestReport { sha256, files: 0, bytes: 0, absent: None }));
    report.signatures = signatures;
    report.release = release;
    report.commands =
        vec![format!("aicr verify {} {}", quoted_path(Utf8Path::new(&bundle)), policy.command_line())];
    report.description = Some(Description::Receipt(Box::new(ReceiptDescription {
        verification_result,
        time_verified,
        verifier,
        policy,
        bundle,
        findings,
        findings_total,
        error,
    })));
    Ok(report)
}
