//! A4 without `openat2`: before Linux 5.6, and in sandboxes that do not know it. Links are refused there
//! too, with the same messages.

use std::fs;
use std::path::Path;

use super::{ALL, SIGNATURE, VERIFY, attacked, rename, report, report_of_rejected, test_dir};
use crate::sandbox::{Act, Sandbox};

/// An attack, the exit code, the findings on stdout, and stderr.
type Row<'a> = (Act, i32, &'a str, &'a str);

fn linked<'a>(sandbox: &'a Sandbox, place: &str) -> &'a Sandbox {
    let aside = format!("aside/{place}");
    sandbox.directory(Path::new(&aside).parent().unwrap().to_str().unwrap());
    rename(sandbox, place, &aside).link(place, sandbox.path(&aside))
}

#[rustfmt::skip]
#[test]
fn links_and_missing_files_have_the_same_messages() {
    let table: [Row<'_>; 7] = [
        (|s| s,                             0, "", ""),
        (|s| linked(s, "B/attestation"),    5, "", "error: B/attestation is a symbolic link\n"),
        (|s| linked(s, SIGNATURE),          5, "", "error: B/attestation/checksums.txt.sigstore.json is a symbolic link\n"),
        (|s| linked(s, "B/checksums.txt"),  5, "", "error: B/checksums.txt is a symbolic link\n"),
        (|s| linked(s, "B/a"),              5, "  not-regular  a\n",
            "error: B is not what its manifest says: 1 file is wrong\n"),
        (|s| linked(s, "B/sub"),            5, "  not-regular  sub\n  missing      sub/b\n",
            "error: B is not what its manifest says: 2 files are wrong\n"),
        (|s| s.remove(SIGNATURE),           5, "",
            "error: B is unsigned: it has no attestation/checksums.txt.sigstore.json
hint: --checksums-only compares the files with the manifest; it proves nothing about who made it\n"),
    ];
    let sandbox = test_dir();
    for errno in ["ENOSYS", "EPERM"] {
        let inject = format!("strace -f -qq -o /dev/null -e trace=openat2 -e inject=openat2:error={errno} aicr {VERIFY} --jobs 1");
        for (attack, code, findings, stderr) in &table {
            attacked(&sandbox, attack);
            let bytes = if findings.contains(" a") { 5 } else if findings.is_empty() { 11 } else { 6 };
            let (verdict, rest) = match (code, findings) {
                (0, _) => ("accepted", report(ALL)),
                (_, &"") => ("rejected", String::new()),
                _ => ("rejected", report_of_rejected(bytes)),
            };
            sandbox
                .program_run(inject.split(' '))
                .stdout(&format!("{verdict} B\n{rest}{findings}"))
                .stderr(stderr)
                .exits(*code);
            fs::remove_dir_all(sandbox.directory("aside").path("aside")).unwrap();
        }
    }
}

/// Shows that the runs above differ from other runs.
#[test]
fn with_openat2_a_run_uses_it() {
    let sandbox = test_dir();
    sandbox
        .program_run(format!("strace -qq -o trace -e trace=openat2 aicr {VERIFY} -q --jobs 1").split(' '))
        .succeeds();
    let trace = fs::read_to_string(sandbox.path("trace")).unwrap();
    assert!(trace.contains("\"attestation/checksums.txt.sigstore.json\""), "{trace}");
}
