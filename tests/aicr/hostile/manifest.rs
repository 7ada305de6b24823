//! A2, A3, A7 to A12, A33: manifests that are validly signed and lie all the same. Each is signed by
//! hand with the key that the verifier trusts; the parser alone stands between them and belief.

use super::{accepted, rejected, sign_by_hand, stage};
use crate::scene::SMALL_MANIFEST;

const ALPHA: &str = "b6a98d9ce9a2d9149288fa3df42d377c3e42737afdcdaf714e33c0a100b51060";
const BETA: &str = "f2c82decdd7181cf98945929a62598db7e6b477e11f6e0eb0ae97020eff151ad";

/// Each manifest, with `A` for the digest of `a` and `B` for that of `sub/b`, is refused with these words.
#[track_caller]
fn refused(table: &[(&[u8], &str)]) {
    let scene = stage();
    sign_by_hand(&scene, SMALL_MANIFEST.as_bytes());
    accepted(&scene, "");
    for (lines, words) in table {
        sign_by_hand(&scene, &with_digests(lines));
        rejected(&scene, &format!("error: B/checksums.txt: {words}\nhint: build it anew with `aicr bundle`"));
    }
}

/// The text with digests in the place of the letters `A` and `B` at the beginnings of its lines.
fn with_digests(lines: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let (digest, rest) = match line {
            [b'A', rest @ ..] => (ALPHA, rest),
            [b'B', rest @ ..] => (BETA, rest),
            rest => ("", rest),
        };
        text.extend_from_slice(digest.as_bytes());
        text.extend_from_slice(rest);
    }
    text
}

#[rustfmt::skip]
#[test]
fn names_that_lead_out_or_are_no_names() {
    refused(&[
        // A3
        (b"A  ../a\nB  sub/b\n",         "line 1 lists `../a`, which has a component `.` or `..`"),
        (b"A  a\nB  sub/../sub/b\n",     "line 2 lists `sub/../sub/b`, which has a component `.` or `..`"),
        (b"A  a\nB  sub/..\n",           "line 2 lists `sub/..`, which has a component `.` or `..`"),
        (b"A  ./a\nB  sub/b\n",          "line 1 lists `./a`, which has a component `.` or `..`"),
        (b"A  /etc/passwd\nB  sub/b\n",  "line 1 lists `/etc/passwd`, which is an absolute path"),
        (b"A  a\nB  sub//b\n",           "line 2 lists `sub//b`, which has an empty component"),
        (b"A  a\nB  sub/\n",             "line 2 lists `sub/`, which has an empty component"),
        (b"A  \nB  sub/b\n",             "line 1 has no name"),
        (b"A  a\nB  sub\\b\n",           "line 2 lists `sub\\\\b`, which has a backslash in its name"),
        // A9, A10
        (b"A  a\x1b[2K\nB  sub/b\n",     "line 1 lists `a\\u{1b}[2K`, which has a control character in its name"),
        (b"A  a\rB  sub/b\n",            "line 1 lists `a\\u{d}B  sub/b`, which has a control character in its name"),
        (b"A  a\nB  sub/b\t\n",          "line 2 lists `sub/b\\u{9}`, which has a control character in its name"),
        (b"A  a\nB  sub/\xff\n",         "line 2 lists `sub/\\xff`, which has a name that is not UTF-8"),
        // A7, A33
        (b"B  Attestation/x\nA  a\n",    "line 1 lists `Attestation/x`, which has a name that is reserved in a bundle"),
        (b"A  a\nA  checksums.txt\n",    "line 2 lists `checksums.txt`, which has a name that is reserved in a bundle"),
        (b"A  -\nB  sub/b\n",            "line 1 lists `-`, which has a name for which sha256sum would read its standard input"),
    ]);
}

#[rustfmt::skip]
#[test]
fn lines_that_two_programs_read_differently() {
    refused(&[
        // A2, A7
        (b"",                            "has no entries"),
        (b"A  a\nA  a\nB  sub/b\n",      "line 2 lists the same file as the line before"),
        (b"A  a\nB  a\nB  sub/b\n",      "line 2 lists the same file as the line before"),
        (b"A  a\nB  sub/b\nA  a\n",      "line 3 is out of order: lines are sorted by the bytes of the name"),
        // A8
        (b"A  a\r\nB  sub/b\r\n",        "line 1 ends in a carriage return (CRLF)"),
        (b"\xef\xbb\xbfA  a\nB  sub/b\n", "begins with a byte order mark"),
        (b"\xff\xfeA\0 \0 \0a\0\n\0",    "is UTF-16, not UTF-8"),
        (b"A  a\0\nB  sub/b\n",          "line 1 has a NUL byte"),
        (b"A  a\n\nB  sub/b\n",          "line 2 is blank"),
        (b"# sums\nA  a\nB  sub/b\n",    "line 1 is a comment"),
        (b"A\ta\nB  sub/b\n",            "line 1 has a tab between digest and name, where two blanks belong"),
        (b"A a\nB  sub/b\n",             "line 1 has no two blanks between digest and name"),
        (b"A *a\nB *sub/b\n",            "line 1 marks the file as binary (`*`), where two blanks belong"),
        (b"\\A  a\nB  sub/b\n",          "line 1 begins with a backslash, which marks an escaped name"),
        (b"A  a\nB  sub/b",              "line 2 does not end in a newline"),
        (b"SHA256 (a) = 00\n",           "line 1 is in the BSD form (`SHA256 (name) = ...`)"),
        (b"9f9f90dbe3e5ee1218c86b8839db1995  a\n",
                                         "line 1 has a digest of 32 digits, where SHA-256 has 64"),
        (b"F2C82DECDD7181CF98945929A62598DB7E6B477E11F6E0EB0AE97020EFF151AD  a\n",
                                         "line 1 has a digest in upper case"),
    ]);
}

/// A11: names that are one on other systems are refused when a bundle is built; here they are two, and
/// what was signed is what is there.
#[test]
fn names_that_collide_elsewhere() {
    let scene = stage();
    let manifest = format!("{ALPHA}  A\n{ALPHA}  a\n{BETA}  sub/b\n{BETA}  sub/B\u{301}\n");
    let sorted = format!("{ALPHA}  A\n{ALPHA}  a\n{BETA}  sub/B\u{301}\n{BETA}  sub/b\n");
    scene.file("B/A", "alpha\n").file("B/sub/B\u{301}", "beta\n");
    sign_by_hand(&scene, manifest.as_bytes());
    rejected(
        &scene,
        "error: B/checksums.txt: line 4 is out of order: lines are sorted by the bytes of the name\nhint: build it anew with `aicr bundle`",
    );
    sign_by_hand(&scene, sorted.as_bytes());
    scene.aicr("verify B --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
}
