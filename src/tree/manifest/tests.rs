//! Texts that are a manifest, and texts that are not, with their messages; compared with the real
//! sha256sum.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

const A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
const MD5: &str = "0cc175b9c0f1b6a831c399e269772661";

/// Texts with every kind of problem, and part of the message about it.
fn wrong() -> Vec<(Vec<u8>, &'static str)> {
    let upper = A.to_uppercase();
    let utf16: Vec<u8> = format!("\u{feff}{A}  a\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let deep = format!("{A}  {}\n", "d/".repeat(2100));
    let mut cases: Vec<(Vec<u8>, &str)> = vec![
        (utf16, "is UTF-16, not UTF-8"),
        (format!("{A}  a\0b\n").into(), "line 1 has a NUL byte"),
        ([A.as_bytes(), b"  \xff\n"].concat(), "line 1 lists `\\xff`, which has a name that is not UTF-8"),
        (deep.into(), "lists `d/d/"),
    ];
    for (text, words) in [
        (String::new(), "has no entries"),
        ("\n".to_owned(), "line 1 is blank"),
        (" \t\n".to_owned(), "line 1 is blank"),
        (format!("{A}  a\n\n"), "line 2 is blank"),
        (format!("\u{feff}{A}  a\n"), "begins with a byte order mark"),
        (format!("{A}  a\r\n"), "line 1 ends in a carriage return (CRLF)"),
        (format!("{A} *a\r\n"), "line 1 ends in a carriage return (CRLF)"),
        (format!("# made by\n{A}  a\n"), "line 1 is a comment"),
        (format!("\\{A}  a\\nb\n"), "line 1 begins with a backslash, which marks an escaped name"),
        (format!("SHA256 (a) = {A}\n"), "line 1 is in the BSD form (`SHA256 (name) = ...`)"),
        (format!("{upper}  a\n"), "line 1 has a digest in upper case"),
        (format!("{MD5}  a\n"), "line 1 has a digest of 32 digits; a SHA-256 digest has 64"),
        (format!("{A}{A}  a\n"), "line 1 has a digest of 128 digits; a SHA-256 digest has 64"),
        (format!("{}g  a\n", &A[1..]), "line 1 does not begin with a SHA-256 digest"),
        ("hello\n".to_owned(), "line 1 does not begin with a SHA-256 digest"),
        ("Sums\n".to_owned(), "line 1 does not begin with a SHA-256 digest"),
        ("hello\0\n".to_owned(), "line 1 has a NUL byte"),
        (format!("  {A}  a\n"), "line 1 does not begin with a SHA-256 digest"),
        (format!("{A} *a\n"), "line 1 marks the file as binary (`*`); write two spaces"),
        (format!("{A}\ta\n"), "line 1 has a tab between digest and name; write two spaces"),
        (format!("{A} \ta\n"), "line 1 has a tab between digest and name; write two spaces"),
        (format!("{A} a\n"), "line 1 does not have two spaces between digest and name"),
        (format!("{A}\n"), "line 1 does not have two spaces between digest and name"),
        (format!("{A}  \n"), "line 1 has no name"),
        (format!("{A}  a"), "line 1 does not end in a newline"),
        (format!("{A}  a\n{A}  b"), "line 2 does not end in a newline"),
        (format!("{A}  a\n{A}  a\n"), "line 2 lists the same file as the line before"),
        (format!("{A}  b\n{A}  a\n"), "line 2 is out of order; lines are sorted by the bytes of the name"),
        (format!("{A}  ../a\n"), "line 1 lists `../a`, which has a component `.` or `..`"),
        (format!("{A}  /etc/passwd\n"), "line 1 lists `/etc/passwd`, which is an absolute path"),
        (format!("{A}  a//b\n"), "line 1 lists `a//b`, which has an empty component"),
        (format!("{A}  a\\b\n"), "line 1 lists `a\\\\b`, which has a backslash in its name"),
        (format!("{A}  a\x1b[2J\n"), "line 1 lists `a\\u{1b}[2J`, which has a control character in its name"),
        (format!("{A}  checksums.txt\n"), "which has a name that is reserved in a bundle"),
        (format!("{A}  Attestation/x\n"), "which has a name that is reserved in a bundle"),
        (format!("{A}  -\n"), "line 1 lists `-`, which has a name that makes sha256sum read"),
    ] {
        cases.push((text.into_bytes(), words));
    }
    cases
}

fn error(text: &[u8]) -> String {
    Manifest::unproven(text).unwrap_err().message("M")
}

#[test]
fn each_problem_has_its_own_message() {
    for (text, words) in wrong() {
        let error = error(&text);
        assert!(error.contains(words), "{:?}: {error}", String::from_utf8_lossy(&text));
        assert!(!error.contains(char::is_control));
    }
}

#[test]
fn a_rejection_names_the_file_and_the_line() {
    let failure = Manifest::unproven(b"x\n").unwrap_err().rejects("b/checksums.txt");
    assert_eq!(failure.message(), "b/checksums.txt: line 1 does not begin with a SHA-256 digest");
    assert_eq!(failure.class().code(), 5);
}

#[test]
fn the_message_about_a_line_of_sixteen_megabytes_is_short() {
    let text = format!("{A}  {}\n", "a".repeat(16 << 20));
    assert!(error(text.as_bytes()).len() < 400);
}

#[test]
fn a_manifest_of_a_gibibyte_is_read_and_one_byte_more_is_not() {
    // Most of it is never written, and takes no memory.
    let mut text = vec![0; (1 << 30) + 1];
    text[0] = b'\n';
    assert_eq!(error(&text[..1 << 30]), "M: line 1 is blank");
    assert_eq!(error(&text), "M is larger than 1 GiB");
    let foreign = |text| foreign::ForeignManifest::unproven(text, "M").unwrap_err().message("M");
    assert_eq!(foreign(&text[..1 << 30]), "M: line 1 is blank");
    assert_eq!(foreign(&text), "M is larger than 1 GiB");
}

/// Random names of every allowed form.
fn names(seed: &mut u64) -> Vec<String> {
    let words = ["a", "B", ".c", "-", "ü", "日", "x y", "a.b", "*", "$(id)", "\u{10ffff}", "..."];
    let mut random = |below: usize| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*seed >> 33).unwrap() % below
    };
    let count = 1 + random(8);
    let mut names: Vec<String> = (0..count)
        .map(|_| (0..=random(3)).map(|_| words[random(words.len())]).collect::<Vec<_>>().join("/"))
        .filter(|name| name != "-")
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn a_written_manifest_is_read_back() {
    let mut seed = 1;
    for _ in 0..2000 {
        let names = names(&mut seed);
        let entries = || names.iter().map(|name| (name.as_str(), Sha256Digest::of(name.as_bytes())));
        let mut text = Vec::new();
        let digest = render(entries(), &mut text).unwrap();
        assert_eq!(digest, Sha256Digest::of(&text));
        if names.is_empty() {
            continue;
        }
        let manifest = Manifest::unproven(&text).unwrap();
        assert_eq!(manifest.text(), text);
        let read: Vec<_> = (0..manifest.len()).map(|place| manifest.entry(place)).collect();
        assert_eq!(read, entries().map(|(name, digest)| Entry { digest, name }).collect::<Vec<_>>());
        for (place, name) in names.iter().enumerate() {
            assert_eq!(manifest.find(name.as_bytes()), Some(place));
        }
        assert_eq!(manifest.find(b"not there"), None);
        // With one byte changed, it is another manifest or none.
        for at in [0, 63, 64, 65, 66, text.len() - 1] {
            let mut changed = text.clone();
            changed[at] ^= 1;
            if let Ok(other) = Manifest::unproven(&changed) {
                assert!((0..read.len()).any(|place| other.entry(place) != read[place]));
                // Each manifest has exactly one text.
                let mut again = Vec::new();
                let entries = (0..other.len()).map(|place| other.entry(place));
                render(entries.map(|entry| (entry.name, entry.digest)), &mut again).unwrap();
                assert_eq!(again, changed);
            }
        }
    }
}

#[test]
fn a_million_blank_lines_are_refused_at_the_first() {
    let text = vec![b'\n'; 1_000_000];
    assert_eq!(error(&text), "M: line 1 is blank");
}

/// Whether the real sha256sum accepts this manifest in a directory where all files are intact; nothing if
/// there is no sha256sum.
#[expect(clippy::disallowed_methods, reason = "an independent reader of the grammar, in tests only")]
fn sha256sum_accepts(text: &[u8], directory: &Path) -> Option<bool> {
    let mut child = Command::new("sha256sum")
        .args(["--check", "--strict", "--status"])
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(text).ok()?;
    Some(child.wait().ok()?.success())
}

#[test]
fn every_accepted_manifest_is_accepted_by_sha256sum() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c d"] {
        std::fs::write(directory.path().join(name), "a").unwrap();
    }
    let good = format!("{A}  a\n{A}  b\n{A}  c d\n");
    assert_eq!(Manifest::unproven(good.as_bytes()).unwrap().len(), 3);
    if sha256sum_accepts(good.as_bytes(), directory.path()).is_none() {
        return;
    }
    let texts = wrong().into_iter().map(|(text, _)| text).chain([good.clone().into_bytes()]);
    for text in texts {
        let theirs = sha256sum_accepts(&text, directory.path()).unwrap();
        let ours = Manifest::unproven(&text).is_ok();
        assert!(theirs || !ours, "sha256sum refuses it: {:?}", String::from_utf8_lossy(&text));
    }
    // Random small damage to the good manifest.
    let mut seed = 3_u64;
    for _ in 0..60 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut text = good.clone().into_bytes();
        let at = usize::try_from(seed >> 33).unwrap() % text.len();
        match seed >> 20 & 3 {
            0 => text[at] = b" *\t\\\r\n#A"[usize::try_from(seed >> 25).unwrap() % 8],
            1 => text.truncate(at),
            2 => drop(text.remove(at)),
            _ => text.insert(at, b' '),
        }
        let ours = Manifest::unproven(&text).is_ok_and(|manifest| {
            (0..manifest.len()).all(|place| {
                let entry = manifest.entry(place);
                ["a", "b", "c d"].contains(&entry.name) && entry.digest == Sha256Digest::of(b"a")
            })
        });
        let theirs = sha256sum_accepts(&text, directory.path()).unwrap();
        assert!(theirs || !ours, "sha256sum refuses it: {:?}", String::from_utf8_lossy(&text));
    }
}
