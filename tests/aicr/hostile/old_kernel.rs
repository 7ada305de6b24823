//! A4 where there is no `openat2`: before Linux 5.6, and in sandboxes that do not know it. A link is
//! refused all the same, and named in the same words.

use std::fs;
use std::path::Path;

use super::{ALL, SIGNATURE, VERIFY, attacked, found, listed, rename, stage};
use crate::sandbox::{Act, Sandbox};

/// What an attack comes to: the code, what stands on stdout below what is always there, and stderr.
type Row<'a> = (Act, i32, &'a str, &'a str);

fn linked<'a>(sandbox: &'a Sandbox, place: &str) -> &'a Sandbox {
    let aside = format!("aside/{place}");
    sandbox.directory(Path::new(&aside).parent().unwrap().to_str().unwrap());
    rename(sandbox, place, &aside).link(place, sandbox.path(&aside))
}

#[rustfmt::skip]
#[test]
fn links_are_told_from_what_is_missing() {
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
    let sandbox = stage();
    for errno in ["ENOSYS", "EPERM"] {
        let inject = format!("strace -f -qq -o /dev/null -e trace=openat2 -e inject=openat2:error={errno} aicr {VERIFY} --jobs 1");
        for (attack, code, findings, stderr) in &table {
            attacked(&sandbox, attack);
            let bytes = if findings.contains(" a") { 5 } else if findings.is_empty() { 11 } else { 6 };
            let (word, below) = match (code, findings) {
                (0, _) => ("accepted", found(ALL)),
                (_, &"") => ("rejected", String::new()),
                _ => ("rejected", found(&listed(bytes))),
            };
            sandbox
                .program_run(inject.split(' '))
                .stdout(&format!("{word} B\n{below}{findings}"))
                .stderr(stderr)
                .exits(*code);
            fs::remove_dir_all(sandbox.directory("aside").path("aside")).unwrap();
        }
    }
}

/// So the runs above show something: with the call, it is used.
#[test]
fn where_there_is_the_call_it_is_used() {
    let sandbox = stage();
    sandbox
        .program_run(format!("strace -qq -o trace -e trace=openat2 aicr {VERIFY} -q --jobs 1").split(' '))
        .succeeds();
    let trace = fs::read_to_string(sandbox.path("trace")).unwrap();
    assert!(trace.contains("\"attestation/checksums.txt.sigstore.json\""), "{trace}");
}
