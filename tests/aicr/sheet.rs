//! `aicr sheet`: the page for the receivers. Its recipes are run in [`super::matrix`].

use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, SMALL_SHA256, Sandbox, sha256};

/// What stands at the top of the sheet of the small bundle.
const VALUES: &str = "```text
content          2 files, 11 bytes
manifest sha256  162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8
key sha256       1e9f c1b5 f1ff 2aac cac7 9d66 c2fe ff86
                 234d 8d3b 3e06 9614 ed3e ddf7 ba30 ffee
```
";

/// The sheet of `words`, as it is printed.
fn printed(sandbox: &Sandbox, words: &str) -> String {
    let run = sandbox.aicr(&format!("sheet {words}")).output();
    assert_eq!((run.status.code(), String::from_utf8(run.stderr).unwrap()), (Some(0), String::new()));
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn the_page() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let page = printed(&sandbox, "B --key cosign.pub");
    let (top, _) = page.split_once("## 1. ").unwrap();
    assert_eq!(
        top,
        format!(
            "# Release sheet: `B`\n\n\
             This sheet must reach you by another way than the bundle. Whoever can change the bundle can\n\
             also change a sheet that comes with it.\n\n\
             {VALUES}\n\
             The commands use no network. They need `B`, the bundle directory, and `cosign.pub`, the\n\
             public key in PEM, which must also reach you by another way.\n\n"
        )
    );
    let titles: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(titles, ["## 1. Compare the values", "## 2. Verify the bundle", "## 3. Checked"]);
    assert!(page.contains("```sh\naicr verify B --key cosign.pub --insecure-ignore-tlog\n```\n"), "{page}");
    assert!(page.ends_with(
        "| by | date and time | result | signature |\n| --- | --- | --- | --- |\n| &nbsp; | | | |\n"
    ));
    // It is the same wherever and however it is made.
    let other = sandbox.aicr("sheet . --key ../cosign.pub -q --jobs 1").within("B").output();
    assert_eq!(String::from_utf8(other.stdout).unwrap(), page);
    let piped = sandbox.shell("aicr sheet B --key - <cosign.pub").output();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), page);
}

/// The release is that of the manifest: a `release.json` that it does not list says nothing.
#[test]
fn a_bundle_that_says_which_release_it_is() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    let sign = "--signing-key cosign.key --tlog-upload=false -q";
    sandbox.aicr(&format!("bundle dist -o R --release-name widget --release-version 1.4 {sign}")).succeeds();
    let page = printed(&sandbox, "R --key cosign.pub");
    let release = "```text\nrelease          widget 1.4\ncontent          3 files, ";
    assert!(page.contains(release), "{page}");
    let json = sandbox.aicr("sheet R --key cosign.pub -o sheet.md --format json").output();
    let json = String::from_utf8(json.stdout).unwrap();
    assert!(json.contains(r#""release":{"name":"widget","version":"1.4"}"#), "{json}");
    let other = sandbox.read("R/release.json").replace("1.4", "1.5");
    sandbox.file("R/release.json", other);
    assert!(!printed(&sandbox, "R --key cosign.pub").contains("release  "));
}

/// It fits one page of A4 as printers set Markdown: see the widths and lines.
#[test]
fn it_fits_one_page() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let page = printed(&sandbox, "B --key cosign.pub");
    let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    let set = page.lines().filter(|line| !line.is_empty() && !line.starts_with("```")).count();
    assert!(set <= 80, "{set} lines");
}

#[test]
fn a_file() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let page = printed(&sandbox, "B --key cosign.pub");
    let text = format!(
        "written sheet.md
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
give it to the receivers by another way than the bundle
"
    );
    // A second run finds the same sheet.
    for _ in 0..2 {
        sandbox.aicr("sheet B --key cosign.pub -o sheet.md").stdout(&text).succeeds();
        assert_eq!(sandbox.read("sheet.md"), page);
    }
    sandbox.aicr("sheet B --key cosign.pub --output sheet.md -q").succeeds();
    let json = format!(
        r#"{{"schemaVersion":1,"command":"sheet","exit":0,"cosign":null,"bundles":[{{"path":"B","verdict":"written","manifest":{{"sha256":"{SMALL_SHA256}","files":2,"bytes":11}},"signatures":[{{"path":"attestation/checksums.txt.sigstore.json","keySha256":"{KEY_SHA256}","identity":null,"issuer":null,"checked":false,"log":"none","timestamp":"none"}}],"findings":[],"findingsTotal":0,"error":null,"writtenTo":"sheet.md"}}],"error":null}}
"#
    );
    sandbox.aicr("sheet B --key cosign.pub -o sheet.md --format json").stdout(&json).succeeds();
    sandbox.aicr("sheet B --key cosign.pub --report r.json -q").stdout(&page).succeeds();
    assert!(sandbox.read("r.json").contains(r#""verdict":"written""#));
}

/// Each is exit 2, and nothing is written.
#[test]
fn what_cannot_be_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.signed().file("full.md", "filled in\n").directory("sub").link("link", "B");
    let away = "write the sheet to another directory; a sheet that comes with the files proves nothing";
    let overwritten = "choose another file; aicr does not overwrite a sheet that somebody may have filled in";
    for (words, message, hint) in [
        (
            "B",
            "sheet needs the key that signed the bundle: --key FILE",
            Some("aicr sheet B --key cosign.pub"),
        ),
        (
            "- --key cosign.pub",
            "BUNDLE: sheet reads no bundle from standard input",
            Some("write `./-` for a directory of that name; --key - reads the key from standard input"),
        ),
        ("none --key cosign.pub", "none does not exist", None),
        (
            "B/checksums.txt --key cosign.pub",
            "B/checksums.txt is neither a directory nor an archive of aicr",
            Some("give its directory: B"),
        ),
        (
            "B --key awskms:///alias/release",
            "--key awskms:///alias/release: sheet needs the public key in a file, as the receivers do",
            Some("`cosign public-key --key=awskms:///alias/release --outfile=cosign.pub` writes it"),
        ),
        ("B --key none.pub", "--key none.pub does not exist", None),
        (
            "B --key cosign.key",
            "--key cosign.key is a private key",
            Some("`cosign public-key --key REF --outfile cosign.pub` writes a public key"),
        ),
        (
            "B --key B/a",
            "--key B/a lies in the bundle B, so it proves nothing about it",
            Some("use a key that you received through a separate channel"),
        ),
        ("B --key cosign.pub -o B/sheet.md", "--output B/sheet.md is inside B", Some(away)),
        ("B --key cosign.pub -o link/sheet.md", "--output link/sheet.md is inside B", Some(away)),
        ("B --key cosign.pub -o sub", "--output sub is a directory", None),
        ("B --key cosign.pub -o sub/", "--output sub/ does not name a file", None),
        ("B --key cosign.pub -o none/s.md", "none does not exist", None),
        ("B --key cosign.pub -o full.md", "--output full.md exists and is not this sheet", Some(overwritten)),
        (
            "B --key cosign.pub -o -",
            "--output - is a file name",
            Some("leave out --output to print the sheet to stdout"),
        ),
        (
            "B --key cosign.pub --report B/r.json",
            "--report B/r.json is inside B",
            Some("choose a file in another directory; a report is not a part of a bundle"),
        ),
    ] {
        let before = sandbox.tree("");
        let hint = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
        sandbox.aicr(&format!("sheet {words}")).stderr(&format!("error: {message}\n{hint}")).exits(2);
        assert_eq!(sandbox.tree(""), before, "{words}");
    }
    sandbox.aicr("sheet B --key cosign.pub --format json").whatever_it_prints().exits(2);
    let json = sandbox.aicr("sheet B --key cosign.pub --format json").output();
    assert_eq!(
        String::from_utf8(json.stderr).unwrap(),
        "error: --format json needs --output: stdout holds the result, not the sheet\nhint: add --output FILE\n"
    );
}

/// Each is exit 5, and nothing is written.
#[test]
fn a_bundle_that_this_key_did_not_sign() {
    let sandbox = Sandbox::new();
    sandbox.signed().file("empty/x", "");
    let copies = "for name in U P C D M; do cp -r B $name; done; rm -r U/attestation P/attestation
        touch P/checksums.txt.asc; sed 's/$/\\r/' B/checksums.txt >C/checksums.txt; echo x >D/checksums.txt
        rm M/a; touch M/extra; echo '{' >B/bad; cp -r B J; echo '{' >J/attestation/checksums.txt.sigstore.json; rm B/bad";
    sandbox.shell(copies).succeeds();
    let rejected = |name: &str| format!("rejected {name}\n");
    let changed = |name: &str, how: &str| {
        let text = std::fs::read(sandbox.path(format!("{name}/checksums.txt"))).unwrap();
        let digest = sha256(&text);
        format!(
            "{name}: checksums.txt was changed after it was signed{how} (SHA-256 {digest}, signed was {SMALL_SHA256})"
        )
    };
    for (words, stdout, message, hint) in [
        (
            "B --key other.pub",
            rejected("B"),
            format!("B is signed by key {KEY_SHA256}, not by --key ({OTHER_KEY_SHA256})"),
            Some("a rotated key is the usual cause: use the public key of the version that signed"),
        ),
        (
            "U --key cosign.pub",
            rejected("U"),
            "U is unsigned: it has no attestation/checksums.txt.sigstore.json".to_owned(),
            Some("sign it with: `aicr bundle-sign U --signing-key REF --tlog-upload=false`"),
        ),
        (
            "P --key cosign.pub",
            rejected("P"),
            "P has no attestation/checksums.txt.sigstore.json, where aicr looks, but checksums.txt.asc"
                .to_owned(),
            Some("aicr reads only Sigstore bundles, as `cosign sign-blob --bundle` writes them"),
        ),
        (
            "J --key cosign.pub",
            rejected("J"),
            "J/attestation/checksums.txt.sigstore.json is cut off or damaged".to_owned(),
            Some("copy it again"),
        ),
        (
            "C --key cosign.pub",
            rejected("C"),
            changed("C", ": its line ends are CRLF now"),
            Some(
                "a transfer or a checkout in text mode does that: copy the bundle again in binary mode, or as a tar file",
            ),
        ),
        ("D --key cosign.pub", rejected("D"), changed("D", ""), None),
        (
            "empty --key cosign.pub",
            rejected("empty"),
            "empty is not a bundle: it has no checksums.txt".to_owned(),
            Some("`aicr bundle` makes a bundle"),
        ),
        (
            "M --key cosign.pub",
            format!(
                "rejected M\n  manifest sha256\n    {SMALL_SHA256}\n  2 files listed, 5 bytes could be read\n  \
                 key sha256\n    {KEY_SHA256}\n  log none, timestamp none\n  missing      a\n  unlisted     extra\n"
            ),
            "M is not what its manifest says: 2 files are wrong".to_owned(),
            None,
        ),
    ] {
        let before = sandbox.tree("");
        let hint = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
        sandbox
            .aicr(&format!("sheet {words} -o sheet.md"))
            .stdout(&stdout)
            .stderr(&format!("error: {message}\n{hint}"))
            .exits(5);
        assert_eq!(sandbox.tree(""), before, "{words}");
    }
}

/// Names that a person could not type are refused; others are quoted.
#[test]
fn names_with_blanks_and_controls() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox.shell("mv B 'my `release`'; cp cosign.pub 'my key.pub'; cp -r 'my `release`' 'a\u{200b}b'; cp cosign.pub 'k\u{200b}'").succeeds();
    let page = sandbox.aicr_with(["sheet", "my `release`", "--key", "my key.pub"]).output();
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.starts_with("# Release sheet: `` my `release` ``\n"), "{page}");
    assert!(
        page.contains("aicr verify 'my `release`' --key 'my key.pub' --insecure-ignore-tlog\n"),
        "{page}"
    );
    for (bundle, key, message, hint) in [
        (
            "a\u{200b}b",
            "cosign.pub",
            "the name of a\\u{200b}b contains an invisible character",
            "rename the directory; the receivers type its name",
        ),
        (
            "my `release`",
            "k\u{200b}",
            "--key: the key reference `k\\u{200b}` contains control characters",
            "remove them",
        ),
    ] {
        sandbox
            .aicr_with(["sheet", bundle, "--key", key])
            .stderr(&format!("error: {message}\nhint: {hint}\n"))
            .exits(2);
    }
}
