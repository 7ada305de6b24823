//! Runs of `aicr verify`, and the comparison of their whole output, but for what differs each time.

use super::bundles::{SIGNATURE, signer};
use super::row::{Accepted, ByCosign, Expected, Rejected, Required, Row};
use crate::loopback::cosign;
use crate::sandbox::{SMALL_SHA256, Sandbox};

pub(super) const NEWEST: &str = "v3.1.3";
pub(super) const OLDER: [&str; 3] = ["v2.4.1", "v2.6.1", "v3.0.2"];

/// A row, and one set of flags.
pub(super) struct Case<'a> {
    pub(super) row: &'a Row,
    pub(super) bundle: String,
    pub(super) required: Required,
    pub(super) said: Expected,
}

/// Exit code, stdout and stderr.
type Output = (i32, String, String);

impl Case<'_> {
    /// The flags of `aicr verify`.
    pub(super) fn flags(&self) -> String {
        format!("{} {}", signer(self.row.by).0, self.required.flags(self.row.root))
    }

    /// The expected result with this release.
    fn expected(&self, release: &str) -> Output {
        let Self { row, bundle, required, said } = self;
        // Before cosign runs: a form that it does not support is refused.
        let is_beyond = release == OLDER[0] && row.of.contains("rekor2") && required.is_about_the_log();
        if is_beyond && !matches!(said, Rejected(_)) {
            let words = format!(
                "error: {} ({release}) cannot verify log entries of Rekor v2\nhint: install cosign 2.6 or later, or name one with --cosign\n",
                cosign(release)
            );
            return (3, format!("failed {bundle}\n"), words);
        }
        let rejected = |words: String| (5, format!("rejected {bundle}\n"), format!("error: {words}\n"));
        match said {
            Accepted(log, timestamp) => {
                let (_, shown) = signer(row.by);
                let stdout = format!(
                    "accepted {bundle}\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, 11 bytes\n  {shown}\n  log {log}, timestamp {timestamp}\n"
                );
                (0, stdout, String::new())
            }
            Rejected(words) => rejected(match words.strip_prefix("FILE") {
                Some(words) => format!("{bundle}/{SIGNATURE}{words}"),
                None => words.replacen('B', bundle, 1),
            }),
            ByCosign(words) => rejected(format!(
                "{bundle}: cosign does not accept the signature\n    {words}\nhint: --checksums-only compares the files with the manifest; it proves nothing about who made it"
            )),
        }
    }
}

/// Verifies all these cases, which have the same flags, in one run. Returns the differences from
/// the expected output, if there are any.
pub(super) fn fault(sandbox: &Sandbox, release: &str, cases: &[&Case<'_>]) -> Option<String> {
    let bundles: Vec<_> = cases.iter().map(|case| case.bundle.as_str()).collect();
    let words = format!("verify {} {} --cosign {}", bundles.join(" "), cases[0].flags(), cosign(release));
    let output = sandbox.aicr(&words).output();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (exit, stdout, stderr) =
        (output.status.code().unwrap(), text(output.stdout), without_digests(&text(output.stderr)));
    let expected: Vec<Output> = cases.iter().map(|case| case.expected(release)).collect();
    // The worst result decides.
    let worst = [5, 3].into_iter().find(|code| expected.iter().any(|(exit, ..)| exit == code)).unwrap_or(0);
    let whole = |of: fn(&Output) -> &str| expected.iter().map(of).collect::<String>();
    let reports = whole(|(_, stdout, _)| stdout) + &counts(&expected);
    let expected = (worst, reports, without_digests(&whole(|(.., stderr)| stderr)));
    // Older releases have other texts.
    let compared = |stderr: &str| -> Vec<String> {
        let is_cosigns = |line: &&str| release != NEWEST && line.starts_with("    ");
        stderr.lines().filter(|line| !is_cosigns(line)).map(str::to_owned).collect()
    };
    let is_same = exit == expected.0 && stdout == expected.1 && compared(&stderr) == compared(&expected.2);
    (!is_same).then(|| {
        format!(
            "{words}\n--- exit {exit}, expected {}\n{}{}",
            expected.0,
            difference(
                &stdout.lines().map(str::to_owned).collect::<Vec<_>>(),
                &expected.1.lines().map(str::to_owned).collect::<Vec<_>>()
            ),
            difference(&compared(&stderr), &compared(&expected.2))
        )
    })
}

/// The last line about several bundles, whose verdicts are the first words of their reports.
fn counts(expected: &[Output]) -> String {
    let verdicts: Vec<&str> = expected.iter().filter_map(|(_, stdout, _)| stdout.split(' ').next()).collect();
    if verdicts.len() < 2 {
        return String::new();
    }
    let mut different: Vec<&str> = Vec::new();
    for verdict in &verdicts {
        if !different.contains(verdict) {
            different.push(verdict);
        }
    }
    let count = |word: &&str| format!("{} {word}", verdicts.iter().filter(|other| *other == word).count());
    let counts: Vec<String> = different.iter().map(count).collect();
    format!("{} bundles: {}\n", verdicts.len(), counts.join(", "))
}

/// The lines from the first difference on.
fn difference(found: &[String], expected: &[String]) -> String {
    let same = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    let rest =
        |lines: &[String]| lines[same..].iter().take(4).map(|line| format!("{line}\n")).collect::<String>();
    format!("--- found\n{}--- expected\n{}", rest(found), rest(expected))
}

/// A text without what differs each time: digests, in hex or as numbers, sizes, and IDs of keys.
fn without_digests(text: &str) -> String {
    let is_number = |word: &str| word.trim_matches(['[', ']']).parse::<u8>().is_ok();
    let is_digest = |word: &str| {
        let word = word.trim_matches([')', ',', '.']);
        word.len() >= 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    // The size of a tree depends on the order of the entries.
    let is_size = |before: &[String], word: &str| {
        let is_told = |last: &String| ["size", "size:", "want", ">="].contains(&last.as_str());
        word.starts_with(|c: char| c.is_ascii_digit()) && before.last().is_some_and(is_told)
    };
    let line = |line: &str| {
        let mut words: Vec<String> = Vec::new();
        for word in line.split(' ') {
            let word = match word.rsplit_once('+') {
                Some((name, id)) if id.len() == 8 => format!("{name}+…"),
                _ if is_digest(word) => "…".to_owned(),
                _ if is_size(&words, word) => format!("…{}", word.trim_start_matches(char::is_numeric)),
                _ if is_number(word) && words.last().is_some_and(|last| last == "[…") => continue,
                _ if word.starts_with('[') && is_number(word) => "[…".to_owned(),
                _ => word.to_owned(),
            };
            words.push(word);
        }
        words.join(" ")
    };
    text.lines().map(|text| line(text) + "\n").collect()
}
