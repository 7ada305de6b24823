//! A report as text for people, at most 80 columns wide but for paths and commands. Digests stand alone on their lines.

use std::fmt::Write as _;

use super::color::{Tone, painted};
use super::{ArchiveReport, BundleReport, ManifestReport, ReleaseReport, Report, SignatureReport, Verdict};
use crate::digest::Sha256Digest;
use crate::plan::global::Verbosity;
use crate::printable::{human_bytes, show, show_name, tame};
use crate::tree::audit::{Finding, FindingKind};

/// What is printed of a bundle that is not signed: the last line on stdout, and on stderr with
/// `--quiet`.
pub(super) const UNSIGNED: &str = "UNSIGNED: nothing proves who made it until it is signed";

/// The results, for stdout.
pub(super) fn render(report: &Report, verbosity: Verbosity, color: bool) -> String {
    let quiet = verbosity == Verbosity::Quiet;
    let mut text = String::new();
    for check in &report.checks {
        if !quiet {
            let _ = writeln!(text, "{:<12}  {}", check.name, tame(&check.found));
            for (name, value) in &check.details {
                let is_digest = Sha256Digest::parse(value.as_bytes()).is_some();
                let gap = if is_digest { format!("\n{:<16}", "") } else { " ".to_owned() };
                let _ = writeln!(text, "{:<16}{}:{gap}{}", "", tame(name), tame(value));
            }
        }
    }
    for bundle in &report.bundles {
        if quiet && bundle.findings.is_empty() {
            // What a dry run is for is its commands.
            text.extend(
                bundle
                    .commands
                    .iter()
                    .filter(|_| bundle.verdict == Verdict::Planned)
                    .map(|line| format!("{}\n", tame(line))),
            );
        } else if bundle.verdict == Verdict::Written && bundle.written_to.is_none() {
            // The sheet has been printed.
        } else if bundle.verdict != Verdict::Failed || report.bundles.len() > 1 {
            describe(bundle, color, &mut text);
        }
    }
    if !quiet && report.bundles.len() > 1 {
        let _ = writeln!(text, "{}", counts(&report.bundles));
    }
    text
}

/// The last line about several bundles: `3 bundles: 2 accepted, 1 rejected`, in the order in which
/// the verdicts come up.
fn counts(bundles: &[BundleReport]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for bundle in bundles {
        let word = bundle.verdict.word();
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    format!("{} bundles: {}", bundles.len(), counts.join(", "))
}

/// How many files a bundle has, and how much of them was read.
fn files_of(bundle: &BundleReport, manifest: &ManifestReport) -> String {
    let files = if manifest.files == 1 { "file" } else { "files" };
    let bytes = human_bytes(manifest.bytes);
    let absent = match manifest.absent {
        Some(count @ 1..) => format!(" listed, {count} not there"),
        Some(0) | None => String::new(),
    };
    let bytes_are_unknown = manifest.bytes == 0;
    let read = match bundle.verdict {
        Verdict::Rejected
            if bytes_are_unknown
                && bundle.findings.iter().any(|found| found.kind == FindingKind::MoreThanSigned) =>
        {
            " listed, none was read".to_owned()
        }
        // Of an archive, only the head was read.
        Verdict::Described if bundle.archive.is_some() && bytes_are_unknown => {
            " listed, none was read".to_owned()
        }
        Verdict::Rejected if absent.is_empty() => format!(" listed, {bytes} could be read"),
        Verdict::Rejected => format!("{absent}, {bytes} could be read"),
        _ => format!("{absent}, {bytes}"),
    };
    format!("{} {files}{read}", manifest.files)
}

fn describe(bundle: &BundleReport, color: bool, text: &mut String) {
    let BundleReport {
        path,
        verdict,
        manifest,
        signatures,
        release,
        archive,
        copied_to,
        shard,
        findings,
        findings_total,
        error: _,
        description,
        written_to,
        commands,
    } = bundle;
    // A file that was written is what a person looks for.
    let path = show(written_to.as_ref().unwrap_or(path).as_str());
    let tone = match verdict {
        Verdict::Accepted
        | Verdict::AcceptedShard
        | Verdict::Signed
        | Verdict::AlreadySigned
        | Verdict::Unchanged
        | Verdict::Written
        | Verdict::Packed => Tone::Good,
        Verdict::Unproven
        | Verdict::Unsigned
        | Verdict::Planned
        | Verdict::Described
        | Verdict::NotAttempted => Tone::Warning,
        Verdict::Rejected | Verdict::Failed => Tone::Bad,
    };
    let (word, then) = match verdict {
        // UNSIGNED is the last line, so it does not come first as well.
        Verdict::Unsigned => ("built", ""),
        // A dry run of `bundle` reads no payload, so it has no manifest yet.
        Verdict::Planned if manifest.as_ref().is_some_and(|manifest| manifest.sha256.is_some()) => {
            ("dry run:", "would sign ")
        }
        Verdict::Planned => ("dry run:", "would write "),
        verdict => (verdict.word(), ""),
    };
    let word = if color { painted(word, tone) } else { word.to_owned() };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{word} {then}{path}");
    if let Some(ReleaseReport { name, version }) = release {
        let _ = writeln!(text, "  release {name} {version}");
    }
    if let Some(manifest) = manifest {
        if let Some(digest) = &manifest.sha256 {
            let _ = writeln!(text, "  manifest sha256\n    {digest}");
        }
        // A receipt about a manifest that was not read has no number.
        if manifest.files > 0 || shard.is_some() {
            let _ = writeln!(text, "  {}", files_of(bundle, manifest));
        }
    }
    list_signatures(signatures, *verdict, text);
    if let (Verdict::Packed, Some(ArchiveReport { volumes: volumes @ 2.., .. })) = (verdict, archive) {
        let _ = writeln!(text, "  {volumes} volumes");
    }
    if let Some(copied_to) = copied_to {
        let _ = writeln!(text, "  copied to {}", show(copied_to.as_str()));
    }
    if let Some(description) = description {
        description.write(text);
    }
    list(findings, *findings_total, text);
    if let Some(description) = description {
        let _ = writeln!(text, "{}", description.verdict());
    }
    match verdict {
        Verdict::Signed | Verdict::AlreadySigned => {
            let _ = writeln!(text, "verify it with:");
        }
        Verdict::Unsigned => {
            let _ = writeln!(text, "sign it with:");
        }
        Verdict::Written => {
            let _ = writeln!(text, "give it to the receivers by another way than the bundle");
        }
        Verdict::Packed => {
            let _ = writeln!(text, "unpack it with:");
        }
        Verdict::Unproven => {
            let _ = writeln!(text, "nothing proves who made it: anybody can write a manifest");
        }
        _ => {}
    }
    for command in commands {
        let _ = writeln!(text, "  {}", tame(command));
    }
    // In the last line, where a person looks, and a script that keeps the last line too.
    if bundle.is_unsigned() {
        let _ = writeln!(text, "{UNSIGNED}");
    }
    if let Some(shard) = shard {
        let _ = writeln!(text, "{shard}");
    }
}

/// The signatures, each with its signer.
fn list_signatures(signatures: &[SignatureReport], verdict: Verdict, text: &mut String) {
    // Writing to a String cannot fail.
    let are_some_checked = signatures.iter().any(|signature| signature.checked);
    for SignatureReport { path: _, key_sha256, identity, issuer, checked, log, timestamp } in signatures {
        if are_some_checked && !checked {
            text.push_str("  unchecked signature\n");
        }
        // Said before what is wrong with the files.
        if *checked && verdict == Verdict::Rejected {
            text.push_str("  signature accepted\n");
        }
        let by = match (key_sha256, identity, issuer) {
            (None, Some(identity), Some(issuer)) => {
                format!("identity {}\n  issuer {}", show(identity), show(issuer))
            }
            (Some(key), ..) => format!("key sha256\n    {key}"),
            (None, ..) => "signer unknown".into(),
        };
        let _ = writeln!(text, "  {by}\n  log {}, timestamp {}", log.word(), timestamp.word());
    }
}

/// The findings that are listed, of `total`.
fn list(findings: &[Finding], total: u64, text: &mut String) {
    // Writing to a String cannot fail.
    for finding in findings {
        let Finding { kind, path, to, found, reason } = finding;
        let _ = write!(text, "  {:<11}  {}", kind.word(), show_name(path));
        if let Some(to) = to {
            let _ = write!(text, " -> {}", show_name(to));
        }
        text.push('\n');
        if let Some(digest) = found {
            let _ = writeln!(text, "    found sha256\n      {digest}");
        }
        if let Some(reason) = reason {
            let _ = writeln!(text, "    {}", tame(reason));
        }
    }
    let more = total.saturating_sub(findings.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
}
