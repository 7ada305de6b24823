//! Which files go into a bundle, and which are refused before a byte of them is read. Each refusal has
//! a hint, and the tests follow it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::FileType;

use crate::sandbox::{Sandbox, UNSIGNED};

/// `bundle INPUTS --output B` fails with this stderr and changes nothing. With the arguments `way_out` it
/// succeeds.
#[track_caller]
fn refused(make: impl FnOnce(&Sandbox) -> &Sandbox, inputs: &str, stderr: &str, way_out: Option<&str>) {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    make(&sandbox);
    let before = sandbox.tree("");
    let words = |more: &str| {
        let mut words: Vec<OsString> = vec!["bundle".into(), "--output".into(), "B".into()];
        words.extend(inputs.split_whitespace().chain(more.split_whitespace()).map(Into::into));
        words
    };
    sandbox.aicr_with(words("")).stderr(stderr).exits(2);
    assert_eq!(sandbox.tree(""), before);
    if let Some(way_out) = way_out {
        sandbox.aicr_with(words(way_out)).whatever_it_prints().succeeds();
        sandbox.aicr("verify B --checksums-only").whatever_it_prints().succeeds();
    }
}

#[test]
fn links_in_an_input_are_not_followed() {
    let words = "error: dist/sub/l is a symbolic link, and links are not followed
hint: leave it out with `--exclude /sub/l`, or take in what it points to with `--links follow`
";
    for target in ["b", "../sub", "nowhere", "/etc/passwd", "/dev/zero"] {
        refused(|sandbox| sandbox.link("dist/sub/l", target), "dist", words, Some("--exclude /sub/l"));
    }
    refused(
        |sandbox| sandbox.special("dist/pipe", FileType::Fifo),
        "dist",
        "error: dist/pipe is a FIFO, not a regular file\nhint: leave it out with `--exclude /pipe`\n",
        Some("--exclude /pipe"),
    );
    refused(
        |sandbox| sandbox.special("dist/sub/socket", FileType::Socket),
        "dist",
        "error: dist/sub/socket is a socket, not a regular file\nhint: leave it out with `--exclude /sub/socket`\n",
        Some("--exclude socket"),
    );
}

#[test]
fn a_link_as_an_input_is_followed_only_to_a_directory() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().link("latest", "dist");
    for input in ["latest", "latest/"] {
        sandbox
            .aicr_with(["bundle", input, "--output", "B", "--force", "--quiet"])
            .stderr(UNSIGNED)
            .succeeds();
        assert_eq!(sandbox.tree("B"), ["a", "checksums.txt", "sub/", "sub/b"]);
    }
    refused(
        |sandbox| sandbox.link("l", "dist/a"),
        "l",
        "error: input l is a symbolic link
hint: give the file that it points to; only links to directories are followed
",
        None,
    );
}

#[test]
fn an_input_is_an_existing_file_or_directory() {
    refused(|sandbox| sandbox, "dist nowhere", "error: input nowhere does not exist\n", None);
    refused(|sandbox| sandbox, "dist/a/x", "error: input dist/a/x does not exist\n", None);
    refused(
        |sandbox| sandbox.special("pipe", FileType::Fifo),
        "pipe",
        "error: input pipe is a FIFO, not a file or a directory\n",
        None,
    );
    refused(
        |sandbox| sandbox.directory("empty/below"),
        "empty",
        "error: empty contains no files to bundle\n",
        Some("dist"),
    );
    refused(|sandbox| sandbox, "dist --exclude *", "error: dist contains no files to bundle\n", None);
}

#[test]
fn two_inputs_with_one_path_are_both_named() {
    refused(
        |sandbox| sandbox.file("other/sub/b", "another\n"),
        "dist other/",
        "error: `sub/b` comes from two inputs: dist/sub/b and other/sub/b
hint: rename one, or put both below one directory and bundle that directory
",
        Some("--exclude /sub/b"),
    );
    refused(
        |sandbox| sandbox.file("other/a", "alpha\n"),
        "dist other/a",
        "error: `a` comes from two inputs: dist/a and other/a
hint: rename one, or put both below one directory and bundle that directory
",
        None,
    );
    // A file where the other input has a directory.
    refused(
        |sandbox| sandbox.file("other/sub", "a file\n"),
        "dist other",
        "error: `sub` comes from two inputs: other/sub and dist/sub
hint: rename one, or put both below one directory and bundle that directory
",
        None,
    );
}

#[test]
fn reserved_names_are_refused_in_any_case() {
    for (name, shown, pattern) in [
        ("checksums.txt", "checksums.txt", "/checksums.txt"),
        ("CheckSums.TXT", "CheckSums.TXT", "/CheckSums.TXT"),
        ("attestation", "attestation", "/attestation"),
        ("Attestation/x", "Attestation", "/Attestation"),
    ] {
        refused(
            |sandbox| sandbox.file(&format!("dist/{name}"), "mine\n"),
            "dist",
            &format!(
                "error: dist/{shown} has a name that is reserved in a bundle
hint: leave it out with `--exclude {pattern}`, or rename it
"
            ),
            Some(&format!("--exclude {pattern}")),
        );
    }
    refused(
        |sandbox| sandbox.file("dist/-", "stdin\n"),
        "dist",
        "error: dist/- has a name that makes sha256sum read standard input
hint: leave it out with `--exclude /-`, or rename it
",
        Some("--exclude /-"),
    );
    // In other directories they are ordinary names.
    let sandbox = Sandbox::new();
    sandbox.small_dist().file("dist/sub/checksums.txt", "").file("dist/sub/attestation/x", "");
    sandbox.file("dist/sub/-", "").file("dist/-a", "").file("dist/checksums.txt.old", "");
    sandbox.aicr("bundle dist --output B --quiet").stderr(UNSIGNED).succeeds();
    sandbox
        .program_run(["sha256sum", "--check", "--strict", "--quiet", "checksums.txt"])
        .within("B")
        .succeeds();
}

#[test]
fn names_that_no_manifest_can_list_are_refused_and_shown_escaped() {
    let control = "has a control character in its name";
    for (name, shown, why) in [
        (&b"two\nlines"[..], "two\\u{a}lines", control),
        (b"bell\x07", "bell\\u{7}", control),
        (b"\x1b[2Jx", "\\u{1b}[2Jx", control),
        ("line\u{2028}".as_bytes(), "line\\u{2028}", control),
        (b"latin1-\xe9", "latin1-\\xe9", "has a name that is not UTF-8"),
    ] {
        refused(
            |sandbox| {
                fs::write(sandbox.path("dist").join(OsStr::from_bytes(name)), "x").unwrap();
                sandbox
            },
            "dist",
            &format!("error: dist/{shown} {why}\nhint: rename it\n"),
            Some("--exclude *[!ab]"),
        );
    }
    refused(
        |sandbox| sandbox.file("dist/back\\slash", "x"),
        "dist",
        r#"error: dist/back\\slash has a backslash in its name
hint: leave it out with `--exclude "/back\\\\slash"`, or rename it
"#,
        Some(r"--exclude /back\\slash"),
    );
    // The hint does not repeat a character that reverses the text.
    refused(
        |sandbox| sandbox.link("dist/gpj.\u{202e}exe", "a"),
        "dist",
        r"error: dist/gpj.\u{202e}exe is a symbolic link, and links are not followed
hint: rename it
",
        Some("--exclude *exe"),
    );
}

#[test]
fn names_that_collide_on_other_file_systems_are_refused() {
    for (one, two, first, second) in [
        ("README", "readme", "dist/README", "dist/readme"),
        ("Sub/x", "sub/y", "dist/Sub", "dist/sub"),
        ("caf\u{e9}", "cafe\u{301}", "dist/cafe\u{301}", "dist/caf\u{e9}"),
        ("stra\u{df}e", "STRASSE", "dist/STRASSE", "dist/stra\u{df}e"),
    ] {
        refused(
            |sandbox| sandbox.file(&format!("dist/{one}"), "1").file(&format!("dist/{two}"), "2"),
            "dist",
            &format!(
                "error: {first} and {second} have the same name on a case-insensitive or Unicode-normalizing file system
hint: rename one, or allow both with `--allow-name-collisions`
"
            ),
            Some("--allow-name-collisions"),
        );
    }
}

#[test]
fn private_keys_are_refused() {
    let words = "error: dist/sub/ca.pem contains a private key
hint: leave it out with `--exclude /sub/ca.pem`, or allow it with `--allow-private-keys`
";
    for label in [
        "PRIVATE KEY",
        "EC PRIVATE KEY",
        "ENCRYPTED SIGSTORE PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ] {
        let key = format!("a key\n-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        refused(|sandbox| sandbox.file("dist/sub/ca.pem", key), "dist", words, Some("--allow-private-keys"));
    }
    // Public keys, and text about keys, are payload.
    let sandbox = Sandbox::new();
    sandbox.small_dist().file("dist/pub.pem", sandbox.read("cosign.pub"));
    sandbox.file("dist/doc", "it begins with -----BEGIN PRIVATE KEY-----\n");
    sandbox.aicr("bundle dist --output B --quiet").stderr(UNSIGNED).succeeds();
}

#[test]
fn set_id_files_are_refused() {
    for mode in [0o4755, 0o2755] {
        refused(
            |sandbox| sandbox.chmod("dist/a", mode),
            "dist",
            "error: dist/a is set-user-ID or set-group-ID, which a bundle cannot keep
hint: leave it out with `--exclude /a`, or remove the bits with `chmod ug-s dist/a`
",
            Some("--exclude /a"),
        );
    }
    // On a directory the bit means that new files get its group.
    let sandbox = Sandbox::new();
    sandbox.small_dist().chmod("dist/sub", 0o2755).chmod("dist/a", 0o1755);
    sandbox.aicr("bundle dist --output B --quiet").stderr(UNSIGNED).succeeds();
}

#[test]
fn of_several_refusals_the_first_by_name_is_reported() {
    refused(
        |sandbox| sandbox.link("dist/z", "a").link("dist/b", "a").link("dist/sub/c", "b"),
        "dist",
        "error: dist/b is a symbolic link, and links are not followed (3 in all)
hint: leave it out with `--exclude /b`, or take in what it points to with `--links follow`
",
        Some("--exclude /b --exclude z --exclude c"),
    );
}

#[test]
fn exclude_has_the_syntax_of_gitignore() {
    let all = ["a.tmp", "build/x", "doc/a.tmp", "doc/build/y", "doc/keep.tmp", "sub/b"];
    for (patterns, left) in [
        (&["*.tmp"][..], &["build/x", "doc/build/y", "sub/b"][..]),
        (&["/*.tmp"], &["build/x", "doc/a.tmp", "doc/build/y", "doc/keep.tmp", "sub/b"]),
        (&["build"], &["a.tmp", "doc/a.tmp", "doc/keep.tmp", "sub/b"]),
        (&["/build"], &["a.tmp", "doc/a.tmp", "doc/build/y", "doc/keep.tmp", "sub/b"]),
        (&["build/"], &["a.tmp", "doc/a.tmp", "doc/keep.tmp", "sub/b"]),
        (&["b/"], &all),
        (&["doc/*.tmp"], &["a.tmp", "build/x", "doc/build/y", "sub/b"]),
        (&["**/y"], &["a.tmp", "build/x", "doc/a.tmp", "doc/keep.tmp", "sub/b"]),
        (&["*.tmp", "!keep.tmp"], &["build/x", "doc/build/y", "doc/keep.tmp", "sub/b"]),
        (&["doc", "!doc/keep.tmp"], &["a.tmp", "build/x", "sub/b"]),
        (&["[ab].tmp"], &["build/x", "doc/build/y", "doc/keep.tmp", "sub/b"]),
    ] {
        let sandbox = Sandbox::new();
        for name in all {
            sandbox.file(&format!("dist/{name}"), name);
        }
        let mut words = vec!["bundle", "dist", "--output", "B", "--quiet"];
        words.extend(patterns.iter().flat_map(|pattern| ["--exclude", pattern]));
        sandbox.aicr_with(words).stderr(UNSIGNED).succeeds();
        let manifest = sandbox.read("B/checksums.txt");
        let listed: Vec<&str> = manifest.lines().map(|line| &line[66..]).collect();
        assert_eq!(listed, left, "{patterns:?}");
    }
    for (pattern, why) in [
        (
            "",
            "--exclude: the pattern is empty\nhint: an unset variable in the command line is the usual cause",
        ),
        (
            "#x",
            "--exclude `#x` matches nothing\nhint: use the syntax of .gitignore, for example `--exclude '*.tmp'` or `--exclude /build/`",
        ),
        (
            "[a",
            "--exclude `[a` is not a valid pattern: error parsing glob '[a': unclosed character class; missing ']'\nhint: use the syntax of .gitignore, for example `--exclude '*.tmp'` or `--exclude /build/`",
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.small_dist();
        sandbox
            .aicr_with(["bundle", "dist", "--output", "B", "--exclude", pattern])
            .stderr(&format!("error: {why}\n"))
            .exits(2);
    }
}

#[test]
fn patterns_that_match_nothing_are_a_warning() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    sandbox
        .aicr("bundle dist --output B --dry-run --exclude sub --exclude dist/a --exclude ./a --exclude /dist/a --exclude !x")
        .stdout("dry run: would write B\n  1 file, 6 bytes\n")
        .stderr(
            "warning: --exclude matches nothing: `dist/a`, `./a`, `/dist/a` (patterns are relative to each INPUT)\n",
        )
        .succeeds();
}

#[test]
fn a_hint_can_be_pasted_whatever_the_name() {
    for name in ["with blank", "star*", "quote'd", "[x]", "!bang", "#hash", "$HOME", "umlaut-\u{fc}"] {
        let sandbox = Sandbox::new();
        sandbox.small_dist().link(&format!("dist/{name}"), "a");
        let output = sandbox.aicr("bundle dist --output B").output();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let flag =
            stderr.split("hint: leave it out with `").nth(1).unwrap().split("`, or take in").next().unwrap();
        sandbox.shell(&format!("aicr bundle dist --output B --quiet {flag}")).stderr(UNSIGNED).succeeds();
        assert_eq!(sandbox.tree("B"), ["a", "checksums.txt", "sub/", "sub/b"], "{flag}");
    }
}

#[test]
fn each_kind_of_problem_on_other_systems_is_one_warning() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().file("dist/nul.txt", "").file("dist/what?", "").file("dist/dot.", "");
    sandbox.file("dist/cafe\u{301}", "").directory("dist/void").directory("dist/sub/void");
    fs::File::create(sandbox.path("dist/huge")).unwrap().set_len(1 << 32).unwrap();
    // A dry run does not read the huge file, and in place needs no space for it.
    sandbox
        .aicr("bundle dist --in-place --dry-run")
        .stdout("dry run: would write dist\n  7 files, 4.0 GiB\n")
        .stderr(
            "warning: names that Windows does not allow: dist/dot. and 2 more
warning: names that are not in Unicode normal form C, and change on some systems: dist/cafe\u{301}
warning: files of 4 GiB or more, which FAT cannot store: dist/huge
warning: empty directories, which a bundle does not keep: dist/void and 1 more
",
        )
        .succeeds();
}
