//! Headers of every kind, written, read, and changed.

use super::*;

const PLAIN: Properties = Properties { size: 6, modified: 1_700_000_000, is_executable: false };

/// Names of every kind: in one field, in two, and in a pax header.
fn names() -> Vec<String> {
    let long = |directory: usize, name: usize| format!("{}/{}", "d".repeat(directory), "n".repeat(name));
    vec![
        "checksums.txt".to_owned(),
        "é".repeat(50),
        "n".repeat(100),
        long(50, 49),
        long(50, 50),
        long(1, 100),
        long(155, 100),
        format!("{}/x/{}", "d".repeat(150), "n".repeat(90)),
        // From here on, they do not fit.
        "n".repeat(101),
        long(1, 101),
        long(156, 100),
        format!("{}{}", "é".repeat(60), "n".repeat(100)),
        long(100, 3_900),
    ]
}

fn properties_of_every_kind() -> Vec<Properties> {
    let sizes = [0, 1, 511, 512, MAX_OCTAL, MAX_OCTAL + 1, 1 << 44, u64::MAX];
    let times = [0, 1_700_000_000, 8_589_934_591, 8_589_934_592, -1, i64::MIN, i64::MAX];
    let of_size = |size| times.map(|modified| Properties { size, modified, is_executable: size % 2 == 0 });
    sizes.into_iter().flat_map(of_size).collect()
}

#[test]
fn a_header_is_read_as_it_was_written() {
    for name in names() {
        for properties in properties_of_every_kind() {
            let bytes = header(&name, properties);
            assert_eq!(super::properties(&bytes, &name), Some(properties), "{name}");
            assert_eq!(super::name(&bytes), Some(name.clone()));
            assert_eq!(super::properties(&bytes, "other"), None);
            assert_eq!(length(bytes.first_chunk().unwrap()), Some(bytes.len()), "{name}");
            assert!(bytes.len() <= MAX_HEADER && bytes.len().is_multiple_of(BLOCK));
        }
    }
}

/// The form, field by field.
#[test]
fn the_fields_of_a_header() {
    let bytes = header("bin/app", Properties { is_executable: true, ..PLAIN });
    let mut expected = [0; BLOCK];
    let fields: [(usize, &[u8]); 11] = [
        (0, b"bin/app"),
        (100, b"0000755"),
        (108, b"0000000"),
        (116, b"0000000"),
        (124, b"00000000006"),
        (136, b"14524770400"),
        (148, b"010521\0 "),
        (156, b"0"),
        (257, b"ustar\x0000"),
        (329, b"0000000"),
        (337, b"0000000"),
    ];
    for (at, value) in fields {
        expected[at..at + value.len()].copy_from_slice(value);
    }
    assert_eq!(bytes, expected);
}

/// What is in a pax header, and in the header after it.
#[test]
fn only_what_does_not_fit_is_in_a_pax_header() {
    let name = "n".repeat(101);
    for (name, properties, expected) in [
        ("a", PLAIN, ""),
        ("a", Properties { modified: -5, ..PLAIN }, "12 mtime=-5\n"),
        ("a", Properties { size: 1 << 33, ..PLAIN }, "19 size=8589934592\n"),
        (&name, PLAIN, &format!("111 path={name}\n")),
        (
            &name,
            Properties { size: 1 << 33, modified: 1 << 33, is_executable: false },
            &format!("111 path={name}\n19 size=8589934592\n20 mtime=8589934592\n"),
        ),
    ] {
        let bytes = header(name, properties);
        let last = bytes.last_chunk::<BLOCK>().unwrap();
        if expected.is_empty() {
            assert_eq!(bytes.len(), BLOCK);
            continue;
        }
        assert_eq!(text(&bytes[NAME]), PAX_NAME);
        assert_eq!(bytes[KIND], PAX);
        assert_eq!(number(&bytes[SIZE]), Some(expected.len() as u64));
        assert_eq!(&bytes[BLOCK..BLOCK + expected.len()], expected.as_bytes());
        assert!(bytes[BLOCK + expected.len()..bytes.len() - BLOCK].iter().all(|byte| *byte == 0));
        if expected.contains("path=") {
            assert_eq!(&last[NAME], &name.as_bytes()[..100]);
            assert!(text(&last[PREFIX]).is_empty());
        }
        if expected.contains("size=") {
            assert_eq!(last[SIZE], [0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
        }
        if expected.contains("mtime=") {
            assert_eq!(&last[MODIFIED], b"00000000000\0");
        }
    }
}

#[test]
fn a_path_is_split_at_the_last_slash_that_fits() {
    let [d, n] = ["d".repeat(99), "n".repeat(50)];
    let deep = format!("{}/{}", "q".repeat(40), n);
    for (path, expected) in [
        (n.clone(), Some(("", n.clone()))),
        (format!("{d}/{n}"), Some((d.as_str(), n.clone()))),
        (format!("a/{d}/{n}"), Some((&format!("a/{d}"), n.clone()))),
        (format!("{}/{deep}", "p".repeat(120)), Some((&"p".repeat(120), deep))),
        (format!("{}/{d}/{n}", "p".repeat(60)), None),
        (format!("{}/", "p".repeat(101)), None),
        (format!("/{}", "p".repeat(100)), None),
    ] {
        let expected = expected.map(|(prefix, name)| (prefix.as_bytes(), name.into_bytes()));
        let found = split(path.as_bytes()).map(|(prefix, name)| (prefix, name.to_vec()));
        assert_eq!(found, expected, "{path}");
    }
}

/// One byte more or less makes another header, which is refused, or the header of other properties.
#[test]
fn every_changed_byte_is_noticed() {
    let name = "n".repeat(101);
    for properties in [PLAIN, Properties { size: 1 << 33, modified: -1, is_executable: true }] {
        for name in ["a", &name] {
            let bytes = header(name, properties);
            for at in 0..bytes.len() {
                for change in [1, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] ^= change;
                    assert_eq!(super::properties(&changed, name), None, "byte {at} of {name}");
                    assert_ne!(super::name(&changed).as_deref(), Some(name));
                }
            }
        }
    }
}

#[test]
fn what_an_archive_begins_with() {
    let plain = header("checksums.txt", PLAIN);
    let pax = header("checksums.txt", Properties { modified: -1, ..PLAIN });
    let other = header("other", PLAIN);
    let mut gnu = plain.clone();
    gnu[MAGIC].copy_from_slice(b"ustar  \0");
    for (head, expected) in [
        (&plain[..], true),
        (&pax, true),
        (&plain[..511], false),
        (&pax[..1024], false),
        (&other, false),
        (&gnu, false),
        (&[0; BLOCK], false),
        (b"", false),
    ] {
        assert_eq!(begins_with(head, "checksums.txt"), expected);
    }
}
