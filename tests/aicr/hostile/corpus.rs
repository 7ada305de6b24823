//! The corpus: a table of attacks on a bundle that is accepted without them. The rows are those of the
//! threat model, A1 to A19, A31 and A33. Each has the attack, the exit code, and all findings and messages
//! without hints. The other files have whole outputs, and attacks that need more than a line.

use rustix::fs::FileType;

use super::attacks::*;
use super::{SIGNATURE, attacked, rename, test_dir};
use crate::sandbox::{Sandbox, assert_same, fixture};

const KEY: &str = "--key cosign.pub --insecure-ignore-tlog";
const LOG: &str = "--key cosign.pub";
const OTHER: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  c\n";
const CRLF_AFTER: &str = "B: checksums.txt was changed after it was signed: its line ends are CRLF now (SHA-256 e8827ed45eadcdfa6aa47651b6f937a4e184c84d24e5cded3eff6afedb411720, signed was 162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8)";
const OTHER_EMPTY: &str = "B: checksums.txt was changed after it was signed (SHA-256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, signed was 162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8)";
const OTHER_SHORT: &str = "B: checksums.txt was changed after it was signed (SHA-256 54fef693df6a88ee6163ed5a3c467b9cd14c7a959443e8534a5743bc0c2034f3, signed was 162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8)";
const OTHER_DIGEST: &str = "B: checksums.txt was changed after it was signed (SHA-256 162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8, signed was e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855)";
const ANOTHER_BLOB: &str = "B: checksums.txt was changed after it was signed (SHA-256 162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8, signed was 98ab52548ea596edc397acfff3ef00dc2908fcc793a34c01d9f06a53846f22ca)";
const ANOTHER_KEY: &str = "B is signed by key 292133b6f2c6f2f5d0de9017c7177ac6a7267ed61741d714ff41f6985da89833, not by --key (1e9fc1b5f1ff2aaccac79d66c2feff86234d8d3b3e069614ed3eddf7ba30ffee)";
const UNKNOWN_X: &str = "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: unknown field `x`, expected one of `mediaType`, `verificationMaterial`, `messageSignature`";
const UNKNOWN_SNAKE: &str = "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: unknown field `media_type`, expected one of `mediaType`, `verificationMaterial`, `messageSignature`";
const LEGACY: &str = "B/attestation/checksums.txt.sigstore.json has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)";
const MEDIA_TYPE: &str =
    "B/attestation/checksums.txt.sigstore.json has a media type other than that of a Sigstore bundle v0.3";
const ANOTHER_ENTRY: &str = "B: the transparency log entry is about another file than the manifest";
const ALL_UNSAFE_MODES: &str = "warning: B: 1 file is set-user-ID or set-group-ID; the signature does not cover modes; warning: B: 1 file is writable by everybody; warning: B: 1 file is hard-linked and can be changed through another name";
const ROOT: &str = "--key cosign.pub --trusted-root root.json";

/// The row of the threat model, a description, the attack, the exit code, and the findings and messages.
type Attack = (&'static str, &'static str, fn(&Sandbox) -> &Sandbox, i32, &'static str);

#[rustfmt::skip]
const CORPUS: &[(&str, &[Attack])] = &[
    (KEY, &[
        ("",    "no attack",                        |s| s,                                              0, ""),

        ("A1",  "an additional file",               |s| add(s, b"extra"),                               5, "unlisted extra"),
        ("A1",  "a hidden file",                    |s| add(s, b".hidden"),                             5, "unlisted .hidden"),
        ("A1",  "a manifest in a subdirectory",     |s| add(s, b"sub/checksums.txt"),                   5, "unlisted sub/checksums.txt"),
        ("A1",  "a manifest in capitals",           |s| add(s, b"CHECKSUMS.TXT"),                       5, "unlisted CHECKSUMS.TXT"),
        ("A1",  "a key next to the signature",      |s| add(s, b"attestation/cosign.pub"),              5, "unlisted attestation/cosign.pub"),
        ("A1",  "another signature",                |s| add(s, b"attestation/checksums.txt.sig"),       5, "unlisted attestation/checksums.txt.sig"),
        ("A1",  "a file in deep directories",       |s| s.file("B/sub/.git/hooks/x", ""),               5, "unlisted sub/.git/hooks/x"),
        ("A1",  "an attestation in attestation",    |s| s.file("B/attestation/attestation/x", ""),      5, "unlisted attestation/attestation/x"),
        ("A1",  "empty directories, accepted",      |s| s.directory("B/sub/void").directory("B/attestation/void"), 0, ""),

        ("A2",  "a missing file",                   |s| s.remove("B/a"),                                5, "missing a"),
        ("A2",  "a missing directory",              |s| prune(s),                                       5, "missing sub/b"),
        ("A2",  "a changed letter",                 |s| s.file("B/a", "alphA\n"),                       5, "changed a"),
        ("A2",  "a missing byte",                   |s| s.file("B/a", "alpha"),                         5, "changed a"),
        ("A2",  "an additional byte",               |s| s.file("B/a", "alpha\n\n"),                     5, "changed a"),
        ("A2",  "an empty file",                    |s| s.file("B/sub/b", ""),                          5, "changed sub/b"),
        ("A2",  "a renamed file",                   |s| rename(s, "B/a", "B/sub/z"),                    5, "renamed a -> sub/z"),
        ("A2",  "a renamed directory",              |s| rename(s, "B/sub", "B/SUB"),                    5, "renamed sub/b -> SUB/b"),
        ("A2",  "a directory instead of a file",    |s| s.remove("B/a").directory("B/a"),               5, "not-regular a"),
        ("A2",  "two files swapped",                |s| s.file("B/a", "beta\n").file("B/sub/b", "alpha\n"), 5, "changed a; changed sub/b"),
        ("A2",  "several changes",                  |s| add(add(s, b"z"), b"b").remove("B/a").file("B/sub/b", "y"),
                                                                                                        5, "missing a; unlisted b; changed sub/b; unlisted z"),
        ("A2",  "an empty manifest",                |s| s.file("B/checksums.txt", ""),                  5, OTHER_EMPTY),
        ("A2",  "an empty manifest, signed",        |s| lists(s, b""),                                  5, "B/checksums.txt has no entries"),
        ("A2",  "no manifest",                      |s| s.remove("B/checksums.txt"),                    5, "B is not a bundle: it has no checksums.txt"),
        ("A2",  "no signature",                     |s| s.remove(SIGNATURE),                            5, "B is unsigned: it has no attestation/checksums.txt.sigstore.json"),
        ("A2",  "a manifest with fewer lines",      |s| s.file("B/checksums.txt", &s.read("B/checksums.txt")[..69]), 5, OTHER_SHORT),

        ("A3",  "a path to a parent",               |s| lists(s, b"A  ../a\nB  sub/b\n"),               5, "B/checksums.txt: line 1 lists `../a`, which has a component `.` or `..`"),
        ("A3",  "a path down and up",               |s| lists(s, b"A  a\nB  sub/../sub/b\n"),           5, "B/checksums.txt: line 2 lists `sub/../sub/b`, which has a component `.` or `..`"),
        ("A3",  "a path that ends with ..",         |s| lists(s, b"A  a\nB  sub/..\n"),                 5, "B/checksums.txt: line 2 lists `sub/..`, which has a component `.` or `..`"),
        ("A3",  "a path that begins with ./",       |s| lists(s, b"A  ./a\nB  sub/b\n"),                5, "B/checksums.txt: line 1 lists `./a`, which has a component `.` or `..`"),
        ("A3",  "an absolute path",                 |s| lists(s, b"A  /etc/passwd\nB  sub/b\n"),        5, "B/checksums.txt: line 1 lists `/etc/passwd`, which is an absolute path"),
        ("A3",  "two slashes",                      |s| lists(s, b"A  a\nB  sub//b\n"),                 5, "B/checksums.txt: line 2 lists `sub//b`, which has an empty component"),
        ("A3",  "a slash at the end",               |s| lists(s, b"A  a\nB  sub/\n"),                   5, "B/checksums.txt: line 2 lists `sub/`, which has an empty component"),
        ("A3",  "no name",                          |s| lists(s, b"A  \nB  sub/b\n"),                   5, "B/checksums.txt: line 1 has no name"),
        ("A3",  "a backslash",                      |s| lists(s, b"A  a\nB  sub\\b\n"),                 5, "B/checksums.txt: line 2 lists `sub\\\\b`, which has a backslash in its name"),

        ("A4",  "a link instead of a file",         |s| s.remove("B/a").link("B/a", "../kept/a"),       5, "not-regular a"),
        ("A4",  "a link to a device",               |s| s.remove("B/a").link("B/a", "/dev/zero"),       5, "not-regular a"),
        ("A4",  "a link to another file",           |s| rename(s, "B/a", "B/sub/x").link("B/a", "sub/x"), 5, "not-regular a; unlisted sub/x"),
        ("A4",  "a link instead of a directory",    |s| prune(s).link("B/sub", "../kept/sub"),          5, "not-regular sub; missing sub/b"),
        ("A4",  "a link to the outside",            |s| s.link("B/etc", "/etc"),                        5, "not-regular etc"),
        ("A4",  "a dangling link and a loop",       |s| s.link("B/sub/no", "no").link("B/sub/up", ".."), 5, "not-regular sub/no; not-regular sub/up"),
        ("A4",  "a link next to the signature",     |s| s.link("B/attestation/more", "/"),              5, "not-regular attestation/more"),
        ("A4",  "a link instead of the manifest",   |s| linked(s, "B/checksums.txt"),                   5, "B/checksums.txt is a symbolic link"),
        ("A4",  "a link instead of the signature",  |s| linked(s, SIGNATURE),                           5, "B/attestation/checksums.txt.sigstore.json is a symbolic link"),
        ("A4",  "a link instead of attestation",    |s| linked(s, "B/attestation"),                     5, "B/attestation is a symbolic link"),
        ("A4",  "a link to the bundle, accepted",   |s| linked(s, "B"),                                 0, ""),

        ("A5",  "a hard link outside",              |s| hard_link(s, "B/a"),                            0, "warning: B: 1 file is hard-linked and can be changed through another name"),

        ("A48", "a directory for everybody",        |s| s.chmod("B/sub", 0o777),                        0, "warning: B: 1 directory is writable by everybody"),
        ("A48", "two directories for everybody",    |s| s.chmod("B/sub", 0o777).chmod("B/attestation", 0o1777), 0, "warning: B: 2 directories are writable by everybody"),
        ("A8",  "CRLF, after signing",              |s| s.file("B/checksums.txt", s.read("B/checksums.txt").replace('\n', "\r\n")), 5, CRLF_AFTER),

        ("A6",  "a FIFO instead of a file",         |s| s.remove("B/a").special("B/a", FileType::Fifo), 5, "not-regular a"),
        ("A6",  "a socket instead of a file",       |s| s.remove("B/a").special("B/a", FileType::Socket), 5, "not-regular a"),
        ("A6",  "an additional FIFO",               |s| s.special("B/sub/f", FileType::Fifo),           5, "not-regular sub/f"),
        ("A6",  "an additional socket",             |s| s.special("B/s", FileType::Socket),             5, "not-regular s"),
        ("A6",  "a FIFO next to the signature",     |s| s.special("B/attestation/f", FileType::Fifo),   5, "not-regular attestation/f"),
        ("A6",  "a FIFO instead of the manifest",   |s| s.remove("B/checksums.txt").special("B/checksums.txt", FileType::Fifo), 5, "B/checksums.txt is a FIFO"),
        ("A6",  "a socket instead of the manifest", |s| s.remove("B/checksums.txt").special("B/checksums.txt", FileType::Socket), 5, "B/checksums.txt is a socket"),
        ("A6",  "a directory as the manifest",      |s| s.remove("B/checksums.txt").directory("B/checksums.txt"), 5, "B/checksums.txt is a directory"),
        ("A6",  "a FIFO instead of the signature",  |s| s.remove(SIGNATURE).special(SIGNATURE, FileType::Fifo), 5, "B/attestation/checksums.txt.sigstore.json is a FIFO"),
        ("A6",  "a socket as the signature",        |s| s.remove(SIGNATURE).special(SIGNATURE, FileType::Socket), 5, "B/attestation/checksums.txt.sigstore.json is a socket"),
        ("A6",  "a directory as the signature",     |s| s.remove(SIGNATURE).directory(SIGNATURE),       5, "B/attestation/checksums.txt.sigstore.json is a directory"),
        ("A6",  "a FIFO instead of attestation",    |s| rename(s, "B/attestation", "aside").special("B/attestation", FileType::Fifo),
                                                                                                        5, "B is unsigned: it has no attestation/checksums.txt.sigstore.json"),

        ("A7",  "the same line twice",              |s| lists(s, b"A  a\nA  a\nB  sub/b\n"),            5, "B/checksums.txt: line 2 lists the same file as the line before"),
        ("A7",  "two digests of one file",          |s| lists(s, b"A  a\nB  a\nB  sub/b\n"),            5, "B/checksums.txt: line 2 lists the same file as the line before"),
        ("A7",  "the same line again, later",       |s| lists(s, b"A  a\nB  sub/b\nA  a\n"),            5, "B/checksums.txt: line 3 is out of order; lines are sorted by the bytes of the name"),
        ("A7",  "the manifest in the manifest",     |s| lists(s, b"A  a\nA  checksums.txt\n"),          5, "B/checksums.txt: line 2 lists `checksums.txt`, which has a name that is reserved in a bundle"),
        ("A7",  "attestation in the manifest",      |s| lists(s, b"B  Attestation/x\nA  a\n"),          5, "B/checksums.txt: line 1 lists `Attestation/x`, which has a name that is reserved in a bundle"),
        ("A7",  "a directory in the manifest",      |s| lists(s, b"A  a\nB  sub\n"),                    5, "not-regular sub; unlisted sub/b"),

        ("A8",  "CRLF",                             |s| lists(s, b"A  a\r\nB  sub/b\r\n"),              5, "B/checksums.txt: line 1 ends in a carriage return (CRLF)"),
        ("A8",  "a byte order mark",                |s| lists(s, b"\xef\xbb\xbfA  a\nB  sub/b\n"),      5, "B/checksums.txt begins with a byte order mark"),
        ("A8",  "UTF-16",                           |s| lists(s, b"\xff\xfeA\0 \0 \0a\0\n\0"),          5, "B/checksums.txt is UTF-16, not UTF-8"),
        ("A8",  "a NUL byte",                       |s| lists(s, b"A  a\0\nB  sub/b\n"),                5, "B/checksums.txt: line 1 has a NUL byte"),
        ("A8",  "an empty line",                    |s| lists(s, b"A  a\n\nB  sub/b\n"),                5, "B/checksums.txt: line 2 is blank"),
        ("A8",  "a comment",                        |s| lists(s, b"# sums\nA  a\nB  sub/b\n"),          5, "B/checksums.txt: line 1 is a comment"),
        ("A8",  "a tab",                            |s| lists(s, b"A\ta\nB  sub/b\n"),                  5, "B/checksums.txt: line 1 has a tab between digest and name; write two spaces"),
        ("A8",  "one space",                        |s| lists(s, b"A a\nB  sub/b\n"),                   5, "B/checksums.txt: line 1 does not have two spaces between digest and name"),
        ("A8",  "three spaces",                     |s| lists(s, b"A   a\nB  sub/b\n"),                 5, "renamed \" a\" -> a"),
        ("A8",  "a space at the end",               |s| lists(s, b"A  a \nB  sub/b\n"),                 5, "renamed \"a \" -> a"),
        ("A8",  "binary mode",                      |s| lists(s, b"A *a\nB *sub/b\n"),                  5, "B/checksums.txt: line 1 marks the file as binary (`*`); write two spaces between digest and name"),
        ("A8",  "an escaped line",                  |s| lists(s, b"\\A  a\nB  sub/b\n"),                5, "B/checksums.txt: line 1 begins with a backslash, which marks an escaped name"),
        ("A8",  "no newline at the end",            |s| lists(s, b"A  a\nB  sub/b"),                    5, "B/checksums.txt: line 2 does not end in a newline"),
        ("A8",  "the BSD form",                     |s| lists(s, b"SHA256 (a) = 00\n"),                 5, "B/checksums.txt: line 1 is in the BSD form (`SHA256 (name) = ...`)"),
        ("A8",  "MD5",                              |s| lists(s, b"9f9f90dbe3e5ee1218c86b8839db1995  a\n"), 5, "B/checksums.txt: line 1 has a digest of 32 digits; a SHA-256 digest has 64"),
        ("A8",  "upper case",                       |s| lists(s, b"F2C82DECDD7181CF98945929A62598DB7E6B477E11F6E0EB0AE97020EFF151AD  a\n"),
                                                                                                        5, "B/checksums.txt: line 1 has a digest in upper case"),

        ("A9",  "a newline in a name",              |s| add(s, b"x\nrejected nothing"),                 5, "bad-name x\\u{a}rejected nothing"),
        ("A9",  "a terminal sequence",              |s| add(s, b"x\r\x1b[2K\x1b[32maccepted"),          5, "bad-name x\\u{d}\\u{1b}[2K\\u{1b}[32maccepted"),
        ("A9",  "a backslash",                      |s| add(s, b"x\\n"),                                5, "bad-name x\\\\n"),
        ("A9",  "DEL",                              |s| add(s, b"\x7f"),                                5, "bad-name \\u{7f}"),
        ("A9",  "a control character",              |s| add(s, "\u{85}".as_bytes()),                    5, "bad-name \\u{85}"),
        ("A9",  "reversed text",                    |s| add(s, "a\u{202e}txt".as_bytes()),              5, "unlisted a\\u{202e}txt"),
        ("A9",  "a terminal sequence in a line",    |s| lists(s, b"A  a\x1b[2K\nB  sub/b\n"),           5, "B/checksums.txt: line 1 lists `a\\u{1b}[2K`, which has a control character in its name"),
        ("A9",  "a carriage return in a line",      |s| lists(s, b"A  a\rB  sub/b\n"),                  5, "B/checksums.txt: line 1 lists `a\\u{d}B  sub/b`, which has a control character in its name"),
        ("A9",  "a tab at the end of a line",       |s| lists(s, b"A  a\nB  sub/b\t\n"),                5, "B/checksums.txt: line 2 lists `sub/b\\u{9}`, which has a control character in its name"),
        ("A10", "not UTF-8",                        |s| add(s, b"sub/\xff\xfe"),                        5, "bad-name sub/\\xff\\xfe"),
        ("A10", "Latin 1",                          |s| add(s, b"caf\xe9"),                             5, "bad-name caf\\xe9"),
        ("A10", "UTF-8",                            |s| add(s, "caf\u{e9}".as_bytes()),                 5, "unlisted caf\u{e9}"),
        ("A10", "not UTF-8, in a line",             |s| lists(s, b"A  a\nB  sub/\xff\n"),               5, "B/checksums.txt: line 2 lists `sub/\\xff`, which has a name that is not UTF-8"),
        ("A11", "names that collide elsewhere",     |s| lists(s.file("B/A", "alpha\n"), b"A  A\nA  a\nB  sub/b\n"), 0, ""),
        ("A33", "a file named -",                   |s| add(s, b"-"),                                   5, "unlisted -"),
        ("A33", "a line for -",                     |s| lists(s, b"A  -\nB  sub/b\n"),                  5, "B/checksums.txt: line 1 lists `-`, which has a name that makes sha256sum read standard input"),

        ("A12", "a manifest over a GiB",            |s| sparse(s, "B/checksums.txt", (1 << 30) + 1),    5, "B/checksums.txt is larger than 1.0 GiB"),
        ("A12", "a line of 16 MB",                  |s| lists(s, &long(b"n", 16 << 20)),                5, "B/checksums.txt: line 1 lists `…`, which has a path of more than 4,095 bytes"),
        ("A12", "a path of 4,097 bytes",            |s| lists(s, &long(b"p/", 2049)),                   5, "B/checksums.txt: line 1 lists `…`, which has a path of more than 4,095 bytes"),
        ("A12", "a name of 256 bytes",              |s| lists(s, &long(b"n", 256)),                     5, "B/checksums.txt: line 1 lists `…`, which has a component of more than 255 bytes"),
        ("A12", "a name of 255 bytes, accepted",    |s| longest(s),                                     0, ""),

        ("A13", "an empty signature",               |s| s.file(SIGNATURE, ""),                          5, "B/attestation/checksums.txt.sigstore.json is empty"),
        ("A13", "an empty object",                  |s| s.file(SIGNATURE, "{}"),                        5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: missing field `mediaType`"),
        ("A13", "a JSON list",                      |s| s.file(SIGNATURE, "[]"),                        5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: invalid length 0, expected struct SigstoreBundle with 3 elements"),
        ("A13", "PEM",                              |s| s.file(SIGNATURE, "-----BEGIN SIGNATURE-----\n"), 5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: invalid number"),
        ("A13", "a byte order mark",                |s| s.file(SIGNATURE, "\u{feff}{}"),                5, "B/attestation/checksums.txt.sigstore.json begins with a byte order mark"),
        ("A13", "deeply nested JSON",               |s| s.file(SIGNATURE, "[".repeat(1 << 19)),         5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: invalid type: sequence, expected a string"),
        ("A13", "64 MB",                            |s| sparse(s, SIGNATURE, 64 << 20),                 5, "B/attestation/checksums.txt.sigstore.json is larger than 1.0 MiB"),
        ("A13", "a field twice",                    |s| edit(s, "{\"mediaType\"", "{\"mediaType\":\"x\",\"mediaType\""), 5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: duplicate field `mediaType`"),
        ("A13", "a field twice, further down",      |s| edit(s, "SHA2_256\"", "SHA2_256\",\"digest\":\"\""), 5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: duplicate field `digest`"),
        ("A13", "an unknown field",                 |s| edit(s, "{\"mediaType\"", "{\"x\":1,\"mediaType\""), 5, UNKNOWN_X),
        ("A13", "snake case",                       |s| edit(s, "mediaType", "media_type"),             5, UNKNOWN_SNAKE),
        ("A13", "text after the JSON",              |s| edit(s, "\"}}", "\"}}{}"),                      5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: expected `,` or `}`"),
        ("A13", "URL-safe base64",                  |s| edit(s, DIGEST, "-_"),                          5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: a value that is not standard base64"),
        ("A13", "a number as the algorithm",        |s| edit(s, "\"SHA2_256\"", "1"),                   5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: expected value"),

        ("A16", "the signature of another key",     |s| signed_by_another_key(s),                                   5, ANOTHER_KEY),
        ("A16", "the signature of another bundle",  |s| over(s, OTHER),                                 5, ANOTHER_BLOB),
        ("A16", "another key with our hint",        |s| signed_by(s, "other.key", "manifest"),       5, "B: cosign does not accept the signature"),
        ("A16", "our signature of another text",    |s| signed_by(s, "cosign.key", "blob"),             5, "B: cosign does not accept the signature"),
        ("A16", "a signature of one byte",          |s| signature_is(s, "AA=="),                        5, "B: cosign does not accept the signature"),
        ("A16", "an empty ECDSA signature",         |s| signature_is(s, "MAA="),                        5, "B: cosign does not accept the signature"),
        ("A16", "another message digest",           |s| edit(s, DIGEST, EMPTY_DIGEST),                  5, OTHER_DIGEST),
        ("A16", "an empty digest",                  |s| edit(s, DIGEST, ""),                            5, "B/attestation/checksums.txt.sigstore.json has a message digest that is not 32 bytes"),
        ("A16", "another algorithm",                |s| edit(s, "SHA2_256", "SHA2_512"),                5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: unknown variant `SHA2_512`, expected `SHA2_256`"),

        ("A17", "the legacy form",                  |s| s.file(SIGNATURE, r#"{"base64Signature":"AA=="}"#), 5, LEGACY),
        ("A17", "both forms in one file",           |s| edit(s, "{\"mediaType\"", "{\"base64Signature\":\"AA==\",\"mediaType\""), 5, LEGACY),
        ("A17", "both forms, in capitals",          |s| edit(s, "{\"mediaType\"", "{\"CERT\":\"AA==\",\"mediaType\""), 5, LEGACY),
        ("A17", "both forms, with a log entry",     |s| edit(s, "{\"mediaType\"", "{\"rekorBundle\":{},\"mediaType\""), 5, LEGACY),
        ("A17", "media type v0.1",                  |s| edit(s, "v0.3+json", "v0.1+json"),              5, MEDIA_TYPE),
        ("A17", "an unknown media type",            |s| edit(s, "v0.3+json", "v0.3+jsonx"),             5, MEDIA_TYPE),
        ("A17", "a DSSE attestation",               |s| s.file(SIGNATURE, fixture("bundles/dsse.json")), 5, "B/attestation/checksums.txt.sigstore.json is a DSSE attestation about the manifest, not a signature over it"),
        ("A17", "a key and a certificate",          |s| edit(s, "{\"publicKey\":", "{\"certificate\":{\"rawBytes\":\"AA==\"},\"publicKey\":"), 5, "B/attestation/checksums.txt.sigstore.json names both a key and a certificate"),
        ("A17", "a certificate chain",              |s| edit(s, "{\"publicKey\":", "{\"x509CertificateChain\":{\"certificates\":[]},\"publicKey\":"), 5, "B/attestation/checksums.txt.sigstore.json has a certificate chain, which a v0.3 bundle must not have"),
        ("A17", "a certificate",                    |s| keyless(s),                                     5, "B is signed by an identity (keyless), not by a key"),

        ("A19", "an empty list of entries",         |s| edit(s, "{\"publicKey\":", "{\"tlogEntries\":[],\"publicKey\":"), 5, "B/attestation/checksums.txt.sigstore.json has an empty list of log entries"),
        ("A19", "null for a list of entries",       |s| edit(s, "{\"publicKey\":", "{\"tlogEntries\":null,\"publicKey\":"), 5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: invalid type: null, expected a sequence"),
        ("A19", "an empty entry",                   |s| edit(s, "{\"publicKey\":", "{\"tlogEntries\":[{}],\"publicKey\":"), 5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: missing field `logId`"),
        ("A19", "an invalid timestamp",             |s| edit(s, "{\"publicKey\":", "{\"timestampVerificationData\":{\"rfc3161Timestamps\":[{\"signedTimestamp\":\"!\"}]},\"publicKey\":"), 5, "B/attestation/checksums.txt.sigstore.json is not a Sigstore bundle: a value that is not standard base64"),
        ("A19", "another blob's entry, unchecked",  |s| borrowed(s, "key-rekor-v1.json"),               0, ""),
        ("A19", "another blob's timestamp, unchecked", |s| borrowed(s, "key-timestamp.json"),             0, ""),

        ("A31", "a set-user-ID file",               |s| s.chmod("B/a", 0o4755),                         0, "warning: B: 1 file is set-user-ID or set-group-ID; the signature does not cover modes"),
        ("A31", "a set-group-ID file",              |s| s.chmod("B/a", 0o2755),                         0, "warning: B: 1 file is set-user-ID or set-group-ID; the signature does not cover modes"),
        ("A31", "a world-writable file",            |s| s.chmod("B/a", 0o666),                          0, "warning: B: 1 file is writable by everybody"),
        ("A31", "all of these modes",               |s| hard_link(s.chmod("B/a", 0o6777), "B/sub/b"),  0, ALL_UNSAFE_MODES),
        ("A31", "other modes, accepted",            |s| s.chmod("B/a", 0o444).chmod("B/sub/b", 0o755),  0, ""),
    ]),
    (LOG, &[
        ("A18", "a missing log entry",              |s| s,                                              5, "B is not accepted: there is no transparency log entry, and this command line requires one"),
        ("A18", "an entry, and no trusted root",    |s| borrowed(s, "key-rekor-v1.json"),               5, "B is not accepted: without --trusted-root its transparency log entry cannot be checked"),
    ]),
    (ROOT, &[
        ("A18", "a missing log entry",              |s| s,                                              5, "B is not accepted: there is no transparency log entry, and this command line requires one"),
        ("A19", "another blob's entry, Rekor v1",   |s| borrowed(s, "key-rekor-v1.json"),               5, ANOTHER_ENTRY),
        ("A19", "another blob's entry, Rekor v2",   |s| borrowed(s, "key-rekor-v2-timestamp.json"),     5, ANOTHER_ENTRY),
    ]),
    ("--key other.pub --insecure-ignore-tlog", &[
        ("",    "the trusted key of another signer", |s| signed_by_another_key(s),                                  0, ""),
        ("A16", "our signature with another hint",  |s| renamed_signer(s),                              5, "B: cosign does not accept the signature"),
    ]),
    ("--key B/sub/key.pub --insecure-ignore-tlog", &[
        ("A15", "a key in the bundle",              |s| s.file("B/sub/key.pub", s.read("cosign.pub")),  2, "--key B/sub/key.pub lies in the bundle B, so it proves nothing about it"),
        ("A6",  "a FIFO as the key",                |s| s.special("B/sub/key.pub", FileType::Fifo),     2, "--key B/sub/key.pub is not a regular file"),
        ("A6",  "a device as the key",              |s| s.link("B/sub/key.pub", "/dev/zero"),           2, "--key B/sub/key.pub is not a regular file"),
    ]),
];

/// Every second attack, beginning with the first or the second one.
fn every_other(first: usize) {
    let sandbox = test_dir();
    sandbox.file("root.json", fixture("sigstore/trusted-root.json"));
    let all = CORPUS.iter().flat_map(|(flags, attacks)| attacks.iter().map(move |attack| (flags, attack)));
    assert!(all.clone().count() > 130);
    let (mut expected, mut found) = (String::new(), String::new());
    for (flags, (row, what, attack, code, messages)) in all.skip(first).step_by(2) {
        attacked(&sandbox, attack);
        let output = sandbox.aicr(&format!("verify B {flags}")).output();
        let line = |code: Option<i32>, messages: &str| format!("{row}: {what}: {code:?} {messages}\n");
        expected.push_str(&line(Some(*code), messages));
        found.push_str(&line(output.status.code(), &findings_and_messages(&output)));
        clear(&sandbox);
    }
    assert_same("attacks", &expected, &found);
}

#[test]
fn attacks_on_a_bundle_that_was_accepted() {
    every_other(0);
}

#[test]
fn more_attacks_on_a_bundle_that_was_accepted() {
    every_other(1);
}
