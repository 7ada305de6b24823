//! `bundle --links follow`: what symbolic links in an INPUT lead to becomes payload, if it lies in the same INPUT.

use std::fs;

use crate::sandbox::{Act, Sandbox, UNSIGNED};

const FOLLOW: &str = "bundle dist --output B --links follow";

#[test]
fn files_and_directories_that_links_lead_to_are_taken_in() {
    let sandbox = Sandbox::new();
    sandbox
        .file("dist/lib/libx.so.1.2", "x")
        .link("dist/lib/libx.so.1", "libx.so.1.2")
        .link("dist/lib/libx.so", "libx.so.1")
        .link("dist/lib64", "lib")
        .link("dist/doc/lib", "../lib64");
    sandbox.chmod("dist/lib/libx.so.1.2", 0o755);
    sandbox.aicr(&format!("{FOLLOW} -q")).stderr(UNSIGNED).succeeds();
    let names = ["lib", "lib64", "doc/lib"];
    let files = ["libx.so", "libx.so.1", "libx.so.1.2"];
    for path in names.iter().flat_map(|name| files.map(|file| format!("B/{name}/{file}"))) {
        let metadata = fs::symlink_metadata(sandbox.path(&path)).unwrap();
        assert!(metadata.is_file(), "{path}");
        assert_eq!(sandbox.read(&path), "x");
    }
    assert_eq!(sandbox.read("B/checksums.txt").lines().count(), 9);
    sandbox.aicr("verify B --checksums-only -q").succeeds();
    sandbox.shell("test -x B/doc/lib/libx.so").succeeds();
    // Two in `lib`, and `lib64` and `doc/lib` with two each.
    let output = sandbox.aicr(&format!("{FOLLOW} --force")).output();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "warning: 8 symbolic links were followed\n");
    // A tree of copies is the same bundle.
    sandbox
        .shell("cp -rL dist copied && aicr bundle copied -o C -q; diff -r B C")
        .whatever_it_prints()
        .succeeds();
}

#[test]
fn links_that_are_not_followed() {
    let hint = |name: &str| {
        format!(
            "hint: leave it out with `--exclude /{name}`, or replace it with the file that it points to\n"
        )
    };
    let cases: [(Act, &str, &str); 8] = [
        (
            |sandbox| sandbox.link("dist/l", "../secret"),
            "l",
            "dist/l is a symbolic link to ../secret, which leads out of dist",
        ),
        (
            |sandbox| sandbox.link("dist/l", "/etc/passwd"),
            "l",
            "dist/l is a symbolic link to /etc/passwd, which leads out of dist",
        ),
        (
            |sandbox| sandbox.link("dist/l", "../dist/a"),
            "l",
            "dist/l is a symbolic link to ../dist/a, which leads out of dist",
        ),
        (
            |sandbox| sandbox.link("dist/l", "none"),
            "l",
            "dist/l is a symbolic link to none, which does not exist",
        ),
        (
            |sandbox| sandbox.link("dist/l", "l"),
            "l",
            "dist/l is a symbolic link to l, which leads in a circle",
        ),
        (
            |sandbox| sandbox.link("dist/l", "."),
            "l",
            "dist/l is a symbolic link to ., which leads in a circle",
        ),
        (
            |sandbox| sandbox.link("dist/sub/x", "../tub").link("dist/tub/y", "../sub"),
            "sub/x/y",
            "dist/sub/x/y is a symbolic link to ../sub, which leads in a circle",
        ),
        (
            |sandbox| sandbox.special("dist/p", rustix::fs::FileType::Fifo).link("dist/l", "p"),
            "l",
            "dist/l is a symbolic link to p, which is a FIFO",
        ),
    ];
    for (change, name, message) in cases {
        let sandbox = Sandbox::new();
        sandbox.small_dist().file("secret", "secret").directory("dist/tub");
        change(&sandbox);
        sandbox.aicr(FOLLOW).stderr(&format!("error: {message}\n{}", hint(name))).exits(2);
        assert!(!sandbox.path("B").exists());
        // What is left out is not followed.
        let excluded = format!("{FOLLOW} -q --exclude /l --exclude /p --exclude /sub/x --exclude /tub");
        sandbox.aicr(&excluded).stderr(UNSIGNED).succeeds();
        assert_eq!(sandbox.tree("B"), ["a", "checksums.txt", "sub/", "sub/b"]);
    }
}

/// The rules for payload are those of what the link leads to, and of its own name.
#[test]
fn the_rules_for_payload_hold() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().link("dist/checksums.txt", "a");
    sandbox
        .aicr(FOLLOW)
        .stderr(
            "error: dist/checksums.txt has a name that is reserved in a bundle
hint: leave it out with `--exclude /checksums.txt`, or rename it
",
        )
        .exits(2);
    sandbox.remove("dist/checksums.txt").chmod("dist/a", 0o4755).link("dist/l", "a");
    sandbox
        .aicr(&format!("{FOLLOW} --exclude /a"))
        .stderr(
            "error: dist/l is set-user-ID or set-group-ID, which a bundle cannot keep
hint: leave it out with `--exclude /l`, or remove the bits with `chmod ug-s dist/l`
",
        )
        .exits(2);
    sandbox.chmod("dist/a", 0o644);
    // By default nothing is followed, and in place nothing can be.
    sandbox
        .aicr("bundle dist --output B")
        .stderr(
            "error: dist/l is a symbolic link, and links are not followed
hint: leave it out with `--exclude /l`, or take in what it points to with `--links follow`
",
        )
        .exits(2);
    sandbox
        .aicr("bundle dist --in-place --links follow")
        .stderr(
            "error: --links follow cannot be used with --in-place: nothing is copied, and verify rejects links
hint: build in a new directory with --output DIR
",
        )
        .exits(2);
    sandbox
        .aicr("bundle dist --output B --links keep")
        .stderr("error: --links: invalid value `keep`\nhint: use refuse or follow\n")
        .exits(2);
    // A release.json that would say something stale.
    let release = "--release-name app --release-version 1 -q";
    sandbox.aicr(&format!("bundle dist --exclude /l --output R {release}")).stderr(UNSIGNED).succeeds();
    fs::copy(sandbox.path("R/release.json"), sandbox.path("dist/other.json")).unwrap();
    sandbox.link("dist/release.json", "other.json");
    let output = sandbox.aicr(FOLLOW).output();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("error: dist/release.json says which release this is"), "{said}");
}

#[test]
fn several_inputs_with_links() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().link("dist/l", "sub/b").link("top", "dist");
    // Through a link that was typed, and two inputs with one name each.
    sandbox.file("more/c", "c").link("more/d", "c");
    sandbox.aicr("bundle top more --output B --links follow -q").stderr(UNSIGNED).succeeds();
    assert_eq!(sandbox.tree("B"), ["a", "c", "checksums.txt", "d", "l", "sub/", "sub/b"]);
    sandbox.aicr("verify B --checksums-only -q").succeeds();
}
