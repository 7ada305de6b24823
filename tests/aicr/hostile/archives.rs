//! Archives that somebody has made to deceive, or that another program has written. Each is rejected with the place and
//! the reason, and the archive from which it was made is accepted.

use std::fs;
use std::ops::Range;

use crate::sandbox::Sandbox;
use crate::verify_archive::rejected;

const TRUST: &str = "--key cosign.pub --insecure-ignore-tlog";
const NAME: Range<usize> = 0..100;
const MODE: Range<usize> = 100..108;
const UID: Range<usize> = 108..116;
const GID: Range<usize> = 116..124;
const SIZE: Range<usize> = 124..136;
const TIME: Range<usize> = 136..148;
const CHECKSUM: Range<usize> = 148..156;
const KIND: Range<usize> = 156..157;
const LINK: Range<usize> = 157..257;
const MAGIC: Range<usize> = 257..265;
const OWNER: Range<usize> = 265..297;
const GROUP: Range<usize> = 297..329;
const MAJOR: Range<usize> = 329..337;
const MINOR: Range<usize> = 337..345;
const PREFIX: Range<usize> = 345..500;
const END: Range<usize> = 500..512;

/// The archive of the small payload in `r.tar`, and its entries: each a header, a content, and zeros.
fn archive(sandbox: &Sandbox) -> Vec<Vec<u8>> {
    sandbox.signed().aicr("pack B --output r.tar -q").succeeds();
    let mut rest = fs::read(sandbox.path("r.tar")).unwrap();
    let mut entries = Vec::new();
    while rest[0] != 0 {
        let size = std::str::from_utf8(&rest[SIZE.start..SIZE.end - 1]).unwrap();
        let size = usize::from_str_radix(size, 8).unwrap().next_multiple_of(512);
        let next = rest.split_off(512 + size);
        entries.push(std::mem::replace(&mut rest, next));
    }
    assert_eq!(rest, [0; 1024]);
    assert_eq!(entries.len(), 4);
    entries
}

/// An archive of these entries.
fn of(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 1024]].concat()
}

/// The block with another value in a field, and with the checksum that then is right.
fn with(block: &[u8], field: &Range<usize>, value: &[u8]) -> Vec<u8> {
    let mut changed = block.to_vec();
    changed[field.clone()].fill(0);
    changed[field.start..field.start + value.len()].copy_from_slice(value);
    if field != &CHECKSUM {
        changed[CHECKSUM].copy_from_slice(b"        ");
        let sum: u32 = changed[..512].iter().map(|byte| u32::from(*byte)).sum();
        changed[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    changed
}

/// An entry of another kind in front of the others: its header, and a content.
fn extra(block: &[u8], name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let header = with(&block[..512], &NAME, name.as_bytes());
    let header = with(&header, &SIZE, format!("{:011o}", content.len()).as_bytes());
    let header = with(&header, &KIND, &[kind]);
    let mut entry = [&header, content].concat();
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

/// What `verify --checksums-only` says of an archive on standard input.
fn said(sandbox: &Sandbox, bytes: &[u8]) -> (Option<i32>, String) {
    let output = sandbox.file("x.tar", bytes).shell("aicr verify - --checksums-only <x.tar").output();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said.trim_end().to_owned())
}

#[track_caller]
fn is_rejected(sandbox: &Sandbox, bytes: &[u8], why: &str) {
    let expected = format!("error: - is not as `aicr pack` wrote it: {why}");
    assert_eq!(said(sandbox, bytes), (Some(5), expected));
}

/// Every field of every header, with the values that other programs, or forgers, write.
#[test]
fn every_field_has_one_value() {
    let sandbox = Sandbox::new();
    let entries = archive(&sandbox);
    assert_eq!(said(&sandbox, &of(&entries)), (Some(0), String::new()));
    let names = ["checksums.txt", "attestation/checksums.txt.sigstore.json", "a", "sub/b"];
    let mut tried = 0;
    let mut offset = 0;
    for (place, (name, entry)) in names.iter().zip(&entries).enumerate() {
        let size = std::str::from_utf8(&entry[SIZE.start..SIZE.end - 1]).unwrap().to_owned();
        let bytes = u64::from_str_radix(&size, 8).unwrap();
        let base_256 = [&[0x80, 0, 0, 0][..], &bytes.to_be_bytes()].concat();
        let time = std::str::from_utf8(&entry[TIME.start..TIME.end - 1]).unwrap().to_owned();
        let sum = std::str::from_utf8(&entry[CHECKSUM.start..CHECKSUM.start + 6]).unwrap().to_owned();
        let mut values: Vec<(Range<usize>, Vec<u8>)> = vec![
            (NAME, b"other".to_vec()),
            (NAME, format!("./{name}").into_bytes()),
            (NAME, format!("{name}/").into_bytes()),
            (NAME, format!("/{name}").into_bytes()),
            (NAME, format!("../{name}").into_bytes()),
            (NAME, name.to_uppercase().into_bytes()),
            (NAME, format!("{name}\0x").into_bytes()),
            (NAME, vec![0xff; 100]),
            (NAME, Vec::new()),
            (MODE, b"0000600".to_vec()),
            (MODE, b"0000777".to_vec()),
            (MODE, b"0004755".to_vec()),
            (MODE, b"0100644".to_vec()),
            (MODE, b"000644 ".to_vec()),
            (MODE, b"0000645".to_vec()),
            (MODE, Vec::new()),
            (SIZE, format!(" {}", &size[1..]).into_bytes()),
            (SIZE, format!("{} ", &size[1..]).into_bytes()),
            (SIZE, format!("{size} ").into_bytes()),
            (SIZE, base_256),
            (SIZE, b"-0000000001".to_vec()),
            (SIZE, vec![0xff; 12]),
            (SIZE, Vec::new()),
            (TIME, format!("{time} ").into_bytes()),
            (TIME, format!(" {}", &time[1..]).into_bytes()),
            (TIME, [&[0x80][..], &[0; 11]].concat()),
            (TIME, Vec::new()),
            (CHECKSUM, format!("{sum} \0").into_bytes()),
            (CHECKSUM, format!("{sum}\0\0").into_bytes()),
            (CHECKSUM, format!("0{sum}\0").into_bytes()),
            (CHECKSUM, format!(" {}\0 ", &sum[1..]).into_bytes()),
            (CHECKSUM, b"0000000\0".to_vec()),
            (MAGIC, b"ustar  \0".to_vec()),
            (MAGIC, b"ustar\x0001".to_vec()),
            (MAGIC, b"ustar\0\0\0".to_vec()),
            (MAGIC, Vec::new()),
            (LINK, b"/etc/passwd".to_vec()),
            (OWNER, b"root".to_vec()),
            (GROUP, b"root".to_vec()),
            (PREFIX, b"dir".to_vec()),
            (END, b"x".to_vec()),
            (END, b"\0\0\0\0\0\0\0\0tar\0".to_vec()),
        ];
        for field in [UID, GID, MAJOR, MINOR] {
            let others: [&[u8]; 4] = [b"0000001", b"000000 ", b"", b"\x80\0\0\0\0\0\0\0"];
            values.extend(others.map(|value| (field.clone(), value.to_vec())));
        }
        values.extend(b"\x00123456789gxLKSVDAMN".iter().map(|kind| (KIND, vec![*kind])));
        if !matches!(*name, "a" | "sub/b") {
            values.push((MODE, b"0000755".to_vec()));
        }
        for (field, value) in values {
            let mut changed = entries.clone();
            changed[place] = with(entry, &field, &value);
            let (code, said) = said(&sandbox, &of(&changed));
            let shown = format!("{name} {field:?} {value:?}: {said}");
            assert_eq!(code, Some(5), "{shown}");
            let there = format!("error: - is not as `aicr pack` wrote it: at offset {offset}, ");
            // Another entry than a signature may come next.
            let is_named = said.contains(name) || place == 1;
            assert!(said.starts_with(&there) && is_named, "{shown}");
            tried += 1;
        }
        offset += entry.len();
    }
    assert!(tried > 290, "{tried}");
}

#[test]
fn entries_are_due_in_one_order() {
    let sandbox = Sandbox::new();
    let entries = archive(&sandbox);
    let at = |place: usize| entries[..place].concat().len();
    let [sums, signature, a, b] = &entries[..] else { panic!() };
    let archive =
        |entries: &[&Vec<u8>]| [entries.iter().copied().flatten().copied().collect(), vec![0; 1024]].concat();
    let mut only_one_zero = of(&entries);
    only_one_zero.truncate(only_one_zero.len() - 512);
    let end = at(4);
    let mut not_zero = of(&entries);
    not_zero[end + 512] = 1;
    let padded = |place: usize| {
        let mut changed = entries.clone();
        *changed[place].last_mut().unwrap() = 1;
        of(&changed)
    };
    let long = with(a, &SIZE, b"40000000000\0");
    let huge = with(a, &SIZE, &[&[0x80, 0, 0, 0][..], &(1_u64 << 44).to_be_bytes()].concat());
    let full = end + 1024;
    for (bytes, why) in [
        (archive(&[sums, signature, b, a]), format!("at offset {}, it has sub/b in place of a", at(2))),
        (
            archive(&[sums, a, signature, b]),
            format!(
                "at offset {}, it has attestation/checksums.txt.sigstore.json in place of sub/b",
                at(1) + a.len()
            ),
        ),
        (
            archive(&[signature, sums, a, b]),
            "at offset 0, it has attestation/checksums.txt.sigstore.json in place of checksums.txt"
                .to_owned(),
        ),
        (
            archive(&[sums, signature, signature, a, b]),
            format!("at offset {}, it has attestation/checksums.txt.sigstore.json in place of a", at(2)),
        ),
        (archive(&[sums, signature, a, a, b]), format!("at offset {}, it has a in place of sub/b", at(3))),
        (
            archive(&[sums, sums, signature, a, b]),
            format!("at offset {}, it has checksums.txt in place of a", at(1)),
        ),
        (archive(&[sums, signature, a]), format!("at offset {}, it ends before sub/b", at(3))),
        (archive(&[sums, signature, b]), format!("at offset {}, it has sub/b in place of a", at(2))),
        (archive(&[sums, signature, a, b, b]), format!("at offset {end}, it does not end, but has sub/b")),
        (
            archive(&[sums, signature, a, b, &extra(a, "c", b'0', b"")]),
            format!("at offset {end}, it does not end, but has c"),
        ),
        (
            archive(&[sums, signature, a, b, &extra(a, "c", b'5', b"")]),
            format!("at offset {end}, it does not end"),
        ),
        (
            archive(&[sums, signature, &extra(a, "sub/", b'5', b""), a, b]),
            format!("at offset {}, there is not the header that aicr writes for a", at(2)),
        ),
        // Two archives in one, and what other programs write after the end.
        ([of(&entries), of(&entries)].concat(), format!("at offset {full}, it goes on after its end")),
        ([of(&entries), vec![0; 512]].concat(), format!("at offset {full}, it goes on after its end")),
        ([of(&entries), vec![b'x']].concat(), format!("at offset {full}, it goes on after its end")),
        (only_one_zero, format!("it is cut off after {} bytes", end + 512)),
        (not_zero, format!("at offset {}, it does not end with two blocks of zeros", end + 512)),
        (padded(0), "at offset 0, the last block of checksums.txt is not filled with zeros".to_owned()),
        (padded(2), format!("at offset {}, the last block of a is not filled with zeros", at(2))),
        (padded(3), format!("at offset {}, the last block of sub/b is not filled with zeros", at(3))),
        // 4 GiB, and 16 TiB: in a form that is written only for more than 8 GiB.
        (archive(&[sums, signature, &long, b]), format!("it is cut off after {full} bytes")),
        (
            archive(&[sums, signature, &huge, b]),
            format!("at offset {}, there is not the header that aicr writes for a", at(2)),
        ),
    ] {
        is_rejected(&sandbox, &bytes, &why);
    }
}

/// The signatures come by name, and each once.
#[test]
fn signatures_are_due_in_one_order() {
    let sandbox = Sandbox::new();
    let entries = archive(&sandbox);
    let [sums, signature, a, b] = &entries[..] else { panic!() };
    sandbox
        .aicr("bundle-sign B --add --signing-key other.key --tlog-upload=false -q")
        .whatever_it_prints()
        .succeeds();
    sandbox.aicr("pack B --output two.tar -q").succeeds();
    let two = fs::read(sandbox.path("two.tar")).unwrap();
    // The further one is named after its key, which is before `sigstore.json`.
    let further = two[sums.len()..sums.len() + two.len() - of(&entries).len()].to_vec();
    let named = std::str::from_utf8(&further[NAME]).unwrap().trim_end_matches('\0');
    let archive = |signatures: &[&Vec<u8>]| {
        let signatures: Vec<u8> = signatures.iter().copied().flatten().copied().collect();
        [&sums[..], &signatures, a, b, &[0; 1024]].concat()
    };
    assert!(archive(&[&further, signature]) == two);
    assert_eq!(said(&sandbox, &two), (Some(0), String::new()));
    for signatures in [&[signature, &further][..], &[&further, &further, signature]] {
        let offset = sums.len() + signatures[0].len();
        let why = format!("at offset {offset}, it has {named} in place of a");
        is_rejected(&sandbox, &archive(signatures), &why);
    }
}

/// Extensions of GNU and pax, which other programs apply to the next entry.
#[test]
fn extensions_are_refused() {
    let sandbox = Sandbox::new();
    let entries = archive(&sandbox);
    let [sums, signature, a, b] = &entries[..] else { panic!() };
    let offset = sums.len() + signature.len();
    let why = format!("at offset {offset}, there is not the header that aicr writes for a");
    for (name, kind, content) in [
        ("././@LongLink", b'L', &b"a\0"[..]),
        ("././@LongLink", b'K', b"/etc\0"),
        ("././@PaxHeader", b'x', b"10 path=a\n"),
        ("././@PaxHeader", b'x', b"13 path=../a\n"),
        ("././@PaxHeader", b'x', b"10 size=6\n"),
        ("././@PaxHeader", b'x', b"11 mtime=0\n"),
        ("././@PaxHeader", b'x', b"19 linkpath=/etc/x\n"),
        ("././@PaxHeader", b'x', b""),
        ("././@PaxHeader", b'x', &[b'x'; 5000]),
        ("././@PaxHeader", b'g', b"10 path=a\n"),
        ("GNUSparseFile.0/a", b'S', b""),
    ] {
        let bytes = [&sums[..], signature, &extra(a, name, kind, content), a, b, &[0; 1024]].concat();
        is_rejected(&sandbox, &bytes, &why);
    }
}

/// What tar programs write of the same files.
#[test]
fn archives_of_other_programs() {
    let sandbox = Sandbox::new();
    archive(&sandbox);
    let names = "checksums.txt attestation/checksums.txt.sigstore.json a sub/b";
    const HEADER: &str = "at offset 0, there is not the header that aicr writes for checksums.txt";
    for (tar, why) in [
        ("tar --format=ustar -cf -", HEADER),
        ("tar --format=gnu -cf -", HEADER),
        ("tar --format=pax -cf -", HEADER),
        ("tar --format=v7 -cf -", HEADER),
        ("bsdtar --format ustar -cf -", HEADER),
        ("bsdtar --format pax -cf -", HEADER),
        ("busybox tar -cf -", HEADER),
        // Only the end differs, which is filled up to a record.
        (
            "tar --format=ustar --owner=0 --group=0 --numeric-owner -cf -",
            "at offset 5120, it goes on after its end",
        ),
    ] {
        let line = format!("(cd B && {tar} {names}) | aicr verify - --checksums-only");
        let output = sandbox.shell(&line).output();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(5), "{tar}: {said}");
        assert_eq!(said, format!("error: - is not as `aicr pack` wrote it: {why}\n"), "{tar}");
    }
    let same = "tar --format=ustar --owner=0 --group=0 --numeric-owner --blocking-factor=1 -cf -";
    sandbox.shell(&format!("(cd B && {same} {names}) | cmp - r.tar")).succeeds();
}

/// With a signature: what was found is reported after the signature was accepted.
#[test]
fn a_signed_archive_with_something_added() {
    let sandbox = Sandbox::new();
    let entries = archive(&sandbox);
    let [sums, signature, a, b] = &entries[..] else { panic!() };
    let offset = entries[..3].concat().len();
    let end = entries.concat().len();
    for (bytes, read, finding, why) in [
        (
            [&sums[..], signature, a, a, b, &[0; 1024]].concat(),
            6,
            "duplicate-entry  a",
            format!("at offset {offset}, it has a in place of sub/b"),
        ),
        (
            [&sums[..], signature, a, b, &extra(a, "evil", b'0', b"evil"), &[0; 1024]].concat(),
            11,
            "bad-archive  x.tar",
            format!("at offset {end}, it does not end, but has evil"),
        ),
        (
            [&sums[..], signature, a, &[0; 1024]].concat(),
            6,
            "bad-archive  sub/b",
            format!("at offset {offset}, it ends before sub/b"),
        ),
    ] {
        sandbox
            .file("x.tar", bytes)
            .aicr(&format!("verify x.tar {TRUST} --copy-to C"))
            .stdout(&format!("{}  {finding}\n    {why}\n", rejected("x.tar", read)))
            .stderr(&format!("error: x.tar is not as `aicr pack` wrote it: {why}\n"))
            .exits(5);
        assert!(!sandbox.path("C").exists());
    }
    sandbox.aicr(&format!("verify r.tar {TRUST} -q --copy-to C")).succeeds();
}

/// No more is read than was signed, whatever a header says; fewer bytes are a finding.
#[test]
fn more_or_less_than_was_signed() {
    let sandbox = Sandbox::new();
    sandbox.released().aicr("pack B --output r.tar -q").succeeds();
    sandbox.aicr(&format!("verify r.tar {TRUST} -q")).succeeds();
    let bytes = fs::read(sandbox.path("r.tar")).unwrap();
    let at = bytes.windows(8).position(|window| window == b"sub/b\0\0\0").unwrap();
    let mut fewer = bytes.clone();
    fewer[at..at + 512].copy_from_slice(&with(&bytes[at..at + 512], &SIZE, b"00000000004\0"));
    fewer[at + 512 + 4] = 0;
    let output = sandbox.file("x.tar", fewer).aicr(&format!("verify x.tar {TRUST}")).output();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let finding =
        "  fewer-than-signed  release.json\n    signed: 2 files, 11 bytes; found: 2 files, 10 bytes\n";
    assert!(output.status.code() == Some(5) && stdout.contains(finding), "{stdout}");
    // 4 GiB, of which nothing is there.
    let changed = [&bytes[..at], &with(&bytes[at..at + 512], &SIZE, b"40000000000\0")].concat();
    let output = sandbox.file("x.tar", changed).aicr(&format!("verify x.tar {TRUST}")).output();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(output.status.code(), Some(5));
    assert!(
        stdout.contains(
            "  more-than-signed  release.json\n    signed: 2 files, 11 bytes; found: 2 files, 4.1 GiB\n"
        ),
        "{stdout}"
    );
    assert_eq!(stderr, "error: x.tar is not what its manifest says: 1 file is wrong\n");
}
